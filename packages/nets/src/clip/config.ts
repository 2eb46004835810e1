import { type ConfigJson, ConfigReader } from '../config-reader.js';
import type { ActivationName } from '../module/layers.js';

/** What both towers of CLIP have in common, under transformers' names. */
export interface ClipTowerConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly hidden_act: ActivationName;
  readonly layer_norm_eps: number;
  /** Width of the space that texts and images share. */
  readonly projection_dim: number;
  /** True for the `...WithProjection` classes, whose checkpoints hold the projection. */
  readonly hasProjection: boolean;
}

/** transformers' `CLIPTextConfig`. */
export interface ClipTextConfig extends ClipTowerConfig {
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
  readonly bos_token_id: number;
  readonly eos_token_id: number;
}

/** transformers' `CLIPVisionConfig`. */
export interface ClipVisionConfig extends ClipTowerConfig {
  readonly num_channels: number;
  readonly image_size: number;
  readonly patch_size: number;
}

/**
 * Reads a `config.json` of a CLIP text encoder (or of a whole CLIP, whose `text_config` is taken).
 * @throws NetworkError `invalid_config` naming the key
 */
export function parseClipTextConfig(json: ConfigJson): ClipTextConfig {
  const reader = new ConfigReader(part(json, 'text_config'), 'text encoder config.json');
  return {
    ...parseTower(reader, json, 'CLIPTextModelWithProjection', { hidden: 512, inner: 2048, heads: 8 }),
    vocab_size: reader.count('vocab_size', 49408),
    max_position_embeddings: reader.count('max_position_embeddings', 77),
    bos_token_id: reader.index('bos_token_id', 49406),
    eos_token_id: reader.index('eos_token_id', 49407),
  };
}

/**
 * Reads a `config.json` of a CLIP vision tower (or of a whole CLIP, whose `vision_config` is taken).
 * @throws NetworkError `invalid_config` naming the key
 */
export function parseClipVisionConfig(json: ConfigJson): ClipVisionConfig {
  const reader = new ConfigReader(part(json, 'vision_config'), 'vision tower config.json');
  const config = {
    ...parseTower(reader, json, 'CLIPVisionModelWithProjection', { hidden: 768, inner: 3072, heads: 12 }),
    num_channels: reader.count('num_channels', 3),
    image_size: reader.count('image_size', 224),
    patch_size: reader.count('patch_size', 32),
  };
  if (config.image_size < config.patch_size) {
    throw reader.refusal('patch_size', `${config.patch_size} is larger than image_size ${config.image_size}`);
  }
  return config;
}

function part(json: ConfigJson, key: string): ConfigJson {
  const nested = json[key];
  return typeof nested === 'object' && nested !== null ? { ...(nested as ConfigJson) } : json;
}

function parseTower(
  reader: ConfigReader,
  json: ConfigJson,
  projectionClass: string,
  defaults: { readonly hidden: number; readonly inner: number; readonly heads: number },
): ClipTowerConfig {
  const hidden = reader.count('hidden_size', defaults.hidden);
  const heads = reader.count('num_attention_heads', defaults.heads);
  if (hidden % heads !== 0) {
    throw reader.refusal('num_attention_heads', `${heads} does not divide hidden_size ${hidden}`);
  }
  const architectures = Array.isArray(json.architectures) ? (json.architectures as unknown[]) : [];
  return {
    hidden_size: hidden,
    intermediate_size: reader.count('intermediate_size', defaults.inner),
    num_hidden_layers: reader.layers('num_hidden_layers', 12),
    num_attention_heads: heads,
    hidden_act: reader.choice('hidden_act', ['quick_gelu', 'gelu', 'silu', 'swish'], 'quick_gelu'),
    layer_norm_eps: reader.positive('layer_norm_eps', 1e-5),
    projection_dim: reader.count('projection_dim', 512),
    hasProjection: architectures.some((name) => name === projectionClass || name === 'CLIPModel'),
  };
}
