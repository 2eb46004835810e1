import {
  dequantize,
  f32,
  type GgufFile,
  type GgufInputValue,
  type GgufTensorInput,
  type GgufValue,
  quantize,
  readTensorBytes,
  u32,
  type WritableType,
} from '@triptych/checkpoints';
import { NetworkError } from '../errors.js';
import { type LlamaConfig, parseLlamaConfig } from './config.js';
import { llamaParameterShapes } from './decoder.js';

/** Values of `general.file_type` for the weight types we export. */
const FILE_TYPE: Readonly<Record<WritableType, number>> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, BF16: 32 };

/** Modules of one layer: transformers' name and GGUF's. */
const LAYER_NAMES: readonly (readonly [string, string])[] = [
  ['input_layernorm', 'attn_norm'],
  ['self_attn.q_proj', 'attn_q'],
  ['self_attn.k_proj', 'attn_k'],
  ['self_attn.v_proj', 'attn_v'],
  ['self_attn.o_proj', 'attn_output'],
  ['post_attention_layernorm', 'ffn_norm'],
  ['mlp.gate_proj', 'ffn_gate'],
  ['mlp.up_proj', 'ffn_up'],
  ['mlp.down_proj', 'ffn_down'],
];

/** transformers' tensor name to GGUF's: `model.layers.3.mlp.up_proj.weight` to `blk.3.ffn_up.weight`. */
export function ggufTensorName(name: string): string {
  const [, layer, module] = /^model\.layers\.(\d+)\.(.+)\.weight$/.exec(name) ?? [];
  const own = LAYER_NAMES.find(([theirs]) => theirs === module)?.[1];
  if (layer !== undefined && own !== undefined) return `blk.${layer}.${own}.weight`;
  switch (name) {
    case 'model.embed_tokens.weight':
      return 'token_embd.weight';
    case 'model.norm.weight':
      return 'output_norm.weight';
    case 'lm_head.weight':
      return 'output.weight';
    default:
      throw new NetworkError('invalid_weights', `"${name}" is not a tensor of a llama decoder`);
  }
}

export interface LlamaGgufOptions {
  readonly config: LlamaConfig;
  /** Weights under transformers' names. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  /** Type of the matrices; norms stay F32, as llama.cpp expects. */
  readonly type: WritableType;
}

/** The tensors of a llama decoder as GGUF stores them, ready for `writeGguf`. */
export function llamaGgufTensors({ config, weights, type }: LlamaGgufOptions): GgufTensorInput[] {
  return [...llamaParameterShapes(config)].map(([name, shape]) => {
    const values = weights[name];
    if (values === undefined) throw new NetworkError('invalid_weights', `the weight "${name}" is missing`);
    const ordered = reordered(name, values, config, interleaveRows);
    const storedType = shape.length > 1 ? type : 'F32';
    return {
      name: ggufTensorName(name),
      dims: [...shape].reverse(),
      type: storedType,
      data: quantize(storedType, ordered),
    };
  });
}

/** The `general.*` and `llama.*` keys of a decoder; tokenizer keys come from its tokenizer. */
export function llamaGgufMetadata(
  config: LlamaConfig,
  name: string,
  type: WritableType,
): Map<string, GgufInputValue> {
  return new Map<string, GgufInputValue>([
    ['general.architecture', 'llama'],
    ['general.type', 'model'],
    ['general.name', name],
    ['general.file_type', u32(FILE_TYPE[type])],
    ['general.quantization_version', u32(2)],
    ['llama.vocab_size', u32(config.vocab_size)],
    ['llama.context_length', u32(config.max_position_embeddings)],
    ['llama.embedding_length', u32(config.hidden_size)],
    ['llama.block_count', u32(config.num_hidden_layers)],
    ['llama.feed_forward_length', u32(config.intermediate_size)],
    ['llama.attention.head_count', u32(config.num_attention_heads)],
    ['llama.attention.head_count_kv', u32(config.num_key_value_heads)],
    ['llama.attention.key_length', u32(config.head_dim)],
    ['llama.attention.value_length', u32(config.head_dim)],
    ['llama.attention.layer_norm_rms_epsilon', f32(config.rms_norm_eps)],
    ['llama.rope.dimension_count', u32(config.head_dim)],
    ['llama.rope.freq_base', f32(config.rope_theta)],
  ]);
}

/** Configuration of a llama GGUF file under transformers' keys. */
export function llamaConfigOfGguf(file: GgufFile): LlamaConfig {
  const { metadata, tensors } = file;
  if (metadata.get('general.architecture') !== 'llama') {
    throw new NetworkError('invalid_config', `${file.path} is not of the llama architecture`);
  }
  const key = (name: string): GgufValue | undefined => metadata.get(`llama.${name}`);
  return parseLlamaConfig(
    withoutUndefined({
      vocab_size: tensors.get('token_embd.weight')?.dims[1],
      hidden_size: key('embedding_length'),
      intermediate_size: key('feed_forward_length'),
      num_hidden_layers: key('block_count'),
      num_attention_heads: key('attention.head_count'),
      num_key_value_heads: key('attention.head_count_kv'),
      head_dim: key('attention.key_length') ?? key('rope.dimension_count'),
      max_position_embeddings: key('context_length'),
      rms_norm_eps: key('attention.layer_norm_rms_epsilon'),
      rope_theta: key('rope.freq_base'),
      tie_word_embeddings: !tensors.has('output.weight'),
    }),
  );
}

/** Weights of a llama GGUF file, decoded to float32, under transformers' names and in transformers' row order. */
export async function readLlamaGguf(
  file: GgufFile,
): Promise<{ config: LlamaConfig; weights: Record<string, Float32Array> }> {
  const config = llamaConfigOfGguf(file);
  const weights: Record<string, Float32Array> = {};
  for (const [name, shape] of llamaParameterShapes(config)) {
    const tensor = file.tensors.get(ggufTensorName(name));
    if (tensor === undefined || tensor.dims.join() !== [...shape].reverse().join()) {
      throw new NetworkError(
        'invalid_weights',
        `${file.path} has no "${ggufTensorName(name)}" of shape [${shape}]`,
      );
    }
    const values = dequantize(tensor.type, await readTensorBytes(file, tensor));
    weights[name] = reordered(name, values, config, splitRows);
  }
  return { config, weights };
}

/**
 * Where a row of a query or key projection goes inside its head. transformers rotates rows k and k + half together,
 * GGUF's llama rotates neighbours, so half-split rows are interleaved on the way there and split on the way back.
 */
type RowOrder = (row: number, headWidth: number) => number;

const interleaveRows: RowOrder = (row, width) => (row % (width / 2)) * 2 + Math.floor(row / (width / 2));
const splitRows: RowOrder = (row, width) => (row % 2) * (width / 2) + Math.floor(row / 2);

function reordered(name: string, values: Float32Array, config: LlamaConfig, order: RowOrder): Float32Array {
  if (!/\.(q|k)_proj\.weight$/.test(name)) return values;
  const { hidden_size: columns, head_dim: width } = config;
  const result = new Float32Array(values.length);
  for (let row = 0; row < values.length / columns; row++) {
    const target = row - (row % width) + order(row % width, width);
    result.set(values.subarray(row * columns, (row + 1) * columns), target * columns);
  }
  return result;
}

function withoutUndefined(entries: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}
