import { CheckpointError, quoted } from './errors.js';
import type { GgufHeader } from './gguf/parse.js';
import { metadataValue, numbersAt, stringAt, stringsAt } from './gguf/values.js';

/** How positions beyond the trained context are squeezed in. */
export interface RopeScaling {
  readonly type: 'linear' | 'yarn' | 'longrope';
  readonly factor: number;
  readonly originalContextLength?: number;
}

/** Shape of a llama-architecture model, as its GGUF metadata gives it. */
export interface LlamaConfig {
  readonly architecture: 'llama';
  /** `general.name`, or the empty string. */
  readonly name: string;
  /** Tokens the model was trained for. */
  readonly contextLength: number;
  /** Width of the residual stream. */
  readonly embeddingLength: number;
  readonly blockCount: number;
  readonly feedForwardLength: number;
  /** Query heads. */
  readonly headCount: number;
  /** Key and value heads; divides `headCount`. */
  readonly headCountKv: number;
  /** Elements of one query, key or value head. */
  readonly headDim: number;
  readonly rmsEpsilon: number;
  readonly ropeFreqBase: number;
  /** Elements of each head that are rotated; even. */
  readonly ropeDimensionCount: number;
  readonly ropeScaling?: RopeScaling;
  /** Rows of the embedding matrix. */
  readonly vocabSize: number;
  /** True if the file has no `output.weight`: the embedding matrix serves. */
  readonly tieEmbeddings: boolean;
}

type Source = Pick<GgufHeader, 'metadata' | 'tensors'>;

function fail(key: string, problem: string): CheckpointError {
  return new CheckpointError('MODEL_CONFIG', `metadata ${quoted(key)} ${problem}`);
}

/** A number between `min` and `max`; per-layer arrays count if all entries agree. */
function readNumber({ metadata }: Source, key: string, min: number, max: number, fallback?: number): number {
  let value = metadataValue(metadata, key) ?? fallback;
  if (value === undefined) throw fail(key, 'is missing: this is not a complete llama model');
  if (ArrayBuffer.isView(value)) {
    const perLayer = Array.from(numbersAt(metadata, key)!);
    if (perLayer.length === 0 || perLayer.some((item) => item !== perLayer[0])) {
      throw fail(key, 'differs between layers, which is not supported');
    }
    value = perLayer[0]!;
  }
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw fail(
      key,
      `is ${typeof value === 'object' ? 'a list' : String(value)}: expected a number from ${min} to ${max}`,
    );
  }
  return value;
}

function readInteger(source: Source, key: string, max: number, fallback?: number): number {
  const value = readNumber(source, key, 1, max, fallback);
  if (!Number.isInteger(value)) throw fail(key, `is ${value}: expected an integer`);
  return value;
}

function readRopeScaling(source: Source): RopeScaling | undefined {
  const prefix = 'llama.rope.scaling';
  const type = stringAt(source.metadata, `${prefix}.type`) ?? 'none';
  if (type === 'none') return undefined;
  if (type !== 'linear' && type !== 'yarn' && type !== 'longrope') {
    throw fail(`${prefix}.type`, `is ${quoted(type)}: expected none, linear, yarn or longrope`);
  }
  const factor = readNumber(source, `${prefix}.factor`, 1e-3, 1e6, 1);
  const hasOriginal = source.metadata.has(`${prefix}.original_context_length`);
  if (!hasOriginal) return { type, factor };
  return {
    type,
    factor,
    originalContextLength: readInteger(source, `${prefix}.original_context_length`, 1 << 27),
  };
}

function readVocabSize(source: Source, embeddingLength: number): number {
  const embedding = source.tensors.get('token_embd.weight');
  if (embedding === undefined) {
    const tokens = stringsAt(source.metadata, 'tokenizer.ggml.tokens');
    return tokens?.length ?? readInteger(source, 'llama.vocab_size', 1 << 24);
  }
  const [columns, rows = 1] = embedding.dims;
  if (columns !== embeddingLength || embedding.dims.length !== 2) {
    throw fail(
      'llama.embedding_length',
      `is ${embeddingLength} but token_embd.weight is [${embedding.dims.join(', ')}]`,
    );
  }
  return rows;
}

function checkHeads(config: LlamaConfig): void {
  if (config.headCount % config.headCountKv !== 0) {
    throw fail(
      'llama.attention.head_count_kv',
      `is ${config.headCountKv}: it must divide the ${config.headCount} heads`,
    );
  }
  if (config.ropeDimensionCount % 2 !== 0 || config.ropeDimensionCount > config.headDim) {
    throw fail(
      'llama.rope.dimension_count',
      `is ${config.ropeDimensionCount}: it must be even and at most the head size ${config.headDim}`,
    );
  }
}

function readHeadDim(source: Source, embeddingLength: number, headCount: number): number {
  const key = 'llama.attention.key_length';
  if (!source.metadata.has(key) && embeddingLength % headCount !== 0) {
    throw fail(
      'llama.attention.head_count',
      `is ${headCount}: it must divide the embedding length ${embeddingLength}`,
    );
  }
  const headDim = readInteger(source, key, 1 << 14, embeddingLength / headCount);
  if (readInteger(source, 'llama.attention.value_length', 1 << 14, headDim) !== headDim) {
    throw fail(
      'llama.attention.value_length',
      `differs from the key length ${headDim}, which is not supported`,
    );
  }
  return headDim;
}

/**
 * Reads and checks the configuration of a llama-architecture model (Llama 1-3, TinyLlama, SmolLM and their like).
 *
 * @throws CheckpointError `MODEL_CONFIG` (or `GGUF_METADATA` for a wrong type) naming the key
 */
export function llamaConfig(source: Source): LlamaConfig {
  const { metadata, tensors } = source;
  const architecture = stringAt(metadata, 'general.architecture');
  if (architecture !== 'llama') {
    throw fail(
      'general.architecture',
      `is ${architecture === undefined ? 'missing' : quoted(architecture)}: only "llama" is supported`,
    );
  }
  if (metadata.has('split.count') && readNumber(source, 'split.count', 0, 1 << 16) > 1) {
    throw fail('split.count', 'is more than 1: join the parts with llama-gguf-split first');
  }
  if (metadata.has('llama.expert_count') && readNumber(source, 'llama.expert_count', 0, 1 << 16) > 0) {
    throw fail('llama.expert_count', 'is not 0: mixtures of experts are not supported');
  }
  const embeddingLength = readInteger(source, 'llama.embedding_length', 1 << 18);
  const headCount = readInteger(source, 'llama.attention.head_count', 1 << 14);
  const headDim = readHeadDim(source, embeddingLength, headCount);
  const ropeScaling = readRopeScaling(source);
  const config: LlamaConfig = {
    architecture,
    name: stringAt(metadata, 'general.name') ?? '',
    contextLength: readInteger(source, 'llama.context_length', 1 << 27),
    embeddingLength,
    blockCount: readInteger(source, 'llama.block_count', 1 << 12),
    feedForwardLength: readInteger(source, 'llama.feed_forward_length', 1 << 22),
    headCount,
    headCountKv: readInteger(source, 'llama.attention.head_count_kv', 1 << 14, headCount),
    headDim,
    rmsEpsilon: readNumber(source, 'llama.attention.layer_norm_rms_epsilon', 1e-12, 0.1),
    ropeFreqBase: readNumber(source, 'llama.rope.freq_base', 1, 1e12, 10000),
    ropeDimensionCount: readInteger(source, 'llama.rope.dimension_count', 1 << 14, headDim),
    vocabSize: readVocabSize(source, embeddingLength),
    tieEmbeddings: !tensors.has('output.weight'),
    ...(ropeScaling === undefined ? {} : { ropeScaling }),
  };
  checkHeads(config);
  return config;
}
