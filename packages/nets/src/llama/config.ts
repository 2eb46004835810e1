import { NetworkError } from '../errors.js';

/** The keys of transformers' `LlamaConfig` that shape the network, under their public names. */
export interface LlamaConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly max_position_embeddings: number;
  readonly rms_norm_eps: number;
  readonly rope_theta: number;
  readonly tie_word_embeddings: boolean;
}

/**
 * Reads a `config.json` object. Keys that older files leave out get transformers' defaults; features that would change
 * the result and are not built here (rope scaling, biases, other activations) are refused.
 * @throws NetworkError `invalid_config` naming the key.
 */
export function parseLlamaConfig(json: Readonly<Record<string, unknown>>): LlamaConfig {
  const heads = wholeNumber(json, 'num_attention_heads');
  const hidden = wholeNumber(json, 'hidden_size');
  const rope = ropeParameters(json);
  refuseUnless(json, 'hidden_act', 'silu');
  refuseUnless(json, 'attention_bias', false);
  refuseUnless(json, 'mlp_bias', false);
  const config: LlamaConfig = {
    vocab_size: wholeNumber(json, 'vocab_size'),
    hidden_size: hidden,
    intermediate_size: wholeNumber(json, 'intermediate_size'),
    num_hidden_layers: wholeNumber(json, 'num_hidden_layers'),
    num_attention_heads: heads,
    num_key_value_heads: wholeNumber(json, 'num_key_value_heads', heads),
    head_dim: wholeNumber(json, 'head_dim', hidden / heads),
    max_position_embeddings: wholeNumber(json, 'max_position_embeddings', 2048),
    rms_norm_eps: positiveNumber(json, 'rms_norm_eps', 1e-6),
    rope_theta: rope,
    tie_word_embeddings: json.tie_word_embeddings === true,
  };
  if (heads % config.num_key_value_heads !== 0) {
    throw new NetworkError('invalid_config', 'num_attention_heads must be a multiple of num_key_value_heads');
  }
  if (config.head_dim % 2 !== 0) throw new NetworkError('invalid_config', 'head_dim must be even');
  return config;
}

/** transformers 5 moved `rope_theta` into `rope_parameters`; both places are read. */
function ropeParameters(json: Readonly<Record<string, unknown>>): number {
  const nested = (json.rope_parameters ?? json.rope_scaling ?? {}) as Readonly<Record<string, unknown>>;
  const type = nested.rope_type ?? nested.type ?? 'default';
  if (type !== 'default') {
    throw new NetworkError('invalid_config', `rope type "${String(type)}" is not supported, only "default"`);
  }
  return positiveNumber({ rope_theta: json.rope_theta ?? nested.rope_theta }, 'rope_theta', 10_000);
}

function refuseUnless(json: Readonly<Record<string, unknown>>, key: string, supported: unknown): void {
  const value = json[key] ?? supported;
  if (value !== supported) {
    throw new NetworkError(
      'invalid_config',
      `${key} = ${String(value)} is not supported, only ${String(supported)}`,
    );
  }
}

function positiveNumber(json: Readonly<Record<string, unknown>>, key: string, fallback?: number): number {
  const value = json[key] ?? fallback;
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw new NetworkError('invalid_config', `${key} must be a positive number, got ${String(value)}`);
  }
  return value;
}

function wholeNumber(json: Readonly<Record<string, unknown>>, key: string, fallback?: number): number {
  const value = positiveNumber(json, key, fallback);
  if (!Number.isInteger(value))
    throw new NetworkError('invalid_config', `${key} must be a whole number, got ${value}`);
  return value;
}
