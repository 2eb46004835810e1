/**
 * GGUF files with random weights: as good as real ones for speed, and nothing has to be downloaded.
 *
 * The text such a model writes means nothing; its tokens cost what a real model's cost.
 */
import { f32, quantize, u32, writeGguf } from '@triptych/checkpoints';

/** The shape of TinyLlama 1.1B. */
export const shape1b = {
  name: 'random llama 1.1B',
  dim: 2048,
  layers: 22,
  heads: 32,
  kvHeads: 4,
  ffn: 5632,
  vocab: 32000,
  context: 16384,
};

const blocks = {
  // Standard deviation of the random quants, so that the weights' own comes out at `weightDeviation`.
  q8_0: { type: 'Q8_0', bytes: 34, deviation: 73.6 },
  q4_0: { type: 'Q4_0', bytes: 18, deviation: 4.61 },
  // Random sign and mantissa of 32 numbers, with the exponent of 2^-6.
  f16: { type: 'F16', bytes: 64, random: 0x83ff83ff, fixed: 0x24002400 },
  bf16: { type: 'BF16', bytes: 64, random: 0x807f807f, fixed: 0x3c803c80 },
  f32: { type: 'F32', bytes: 128, random: 0x807fffff, fixed: 0x3c800000 },
};
const weightDeviation = 0.02;
const weightsPerBlock = 32;
const blocksPerChunk = 1 << 15;

/** A 32-bit xorshift generator (Marsaglia 2003), seeded by a number and a name. */
function randomWords(seed, name) {
  let state = 0x9e3779b9 ^ seed;
  for (const char of name) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193);
  if (state === 0) state = 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}

/** Random blocks of one tensor, some megabytes at a time. */
function* randomBlocks(block, count, seed, name) {
  const next = randomWords(seed, name);
  const words = new Int32Array((blocksPerChunk * block.bytes) / 4);
  const chunk = Buffer.from(words.buffer);
  const finish = block.deviation === undefined ? undefined : quantFinisher(block);
  for (let left = count; left > 0; left -= blocksPerChunk) {
    for (let i = 0; i < words.length; i++) words[i] = next();
    if (finish === undefined)
      for (let i = 0; i < words.length; i++) words[i] = (words[i] & block.random) | block.fixed;
    else finish(chunk);
    yield chunk.subarray(0, Math.min(left, blocksPerChunk) * block.bytes);
  }
}

/** Makes random bytes quantised blocks, by giving each a scale. */
function quantFinisher({ bytes: blockBytes, deviation, type }) {
  const scale = weightDeviation / deviation;
  const scales = new Uint16Array(
    quantize(
      'F16',
      Float32Array.from({ length: 256 }, (_, i) => scale * (0.8 + (0.4 * i) / 255)),
    ).slice().buffer,
  );
  return (chunk) => {
    // -128 never comes out of a Q8_0 quantiser, and kernels may rely on that.
    if (type === 'Q8_0') for (let i = 0; i < chunk.length; i++) if (chunk[i] === 0x80) chunk[i] = 0x81;
    for (let at = 0; at < chunk.length; at += blockBytes) chunk.writeUInt16LE(scales[chunk[at]], at);
  };
}

/** A vocabulary in SentencePiece form: three control tokens, 256 bytes, made-up words. */
function vocabulary(size) {
  const tokens = [];
  const types = new Int32Array(size);
  for (let id = 0; id < size; id++) {
    const byte = `<0x${(id - 3).toString(16).toUpperCase().padStart(2, '0')}>`;
    tokens.push(['<unk>', '<s>', '</s>'][id] ?? (id < 259 ? byte : `\u2581t${id}`));
    types[id] = id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1;
  }
  return { tokens, types, scores: Float32Array.from({ length: size }, (_, id) => -id) };
}

/** Metadata of a llama model as llama.cpp wants it. */
export function llamaMetadata({ name, dim, layers, heads, kvHeads, ffn, vocab, context }) {
  const { tokens, types, scores } = vocabulary(vocab);
  return new Map([
    ['general.architecture', 'llama'],
    ['general.name', name],
    ['llama.context_length', u32(context)],
    ['llama.embedding_length', u32(dim)],
    ['llama.block_count', u32(layers)],
    ['llama.feed_forward_length', u32(ffn)],
    ['llama.rope.dimension_count', u32(dim / heads)],
    ['llama.attention.head_count', u32(heads)],
    ['llama.attention.head_count_kv', u32(kvHeads)],
    ['llama.vocab_size', u32(vocab)],
    ['llama.attention.layer_norm_rms_epsilon', f32(1e-5)],
    ['llama.rope.freq_base', f32(10000)],
    ['tokenizer.ggml.model', 'llama'],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.scores', scores],
    ['tokenizer.ggml.token_type', types],
    ['tokenizer.ggml.bos_token_id', u32(1)],
    ['tokenizer.ggml.eos_token_id', u32(2)],
  ]);
}

/**
 * Names and dims (ggml order) of a llama model's tensors; vectors are norms.
 * @returns {{name: string, dims: number[]}[]}
 */
export function llamaTensors({ dim, layers, heads, kvHeads, ffn, vocab, tied = false }) {
  const kvDim = (dim / heads) * kvHeads;
  const layer = (i) =>
    [
      ['attn_norm', [dim]],
      ['attn_q', [dim, dim]],
      ['attn_k', [dim, kvDim]],
      ['attn_v', [dim, kvDim]],
      ['attn_output', [dim, dim]],
      ['ffn_norm', [dim]],
      ['ffn_gate', [dim, ffn]],
      ['ffn_up', [dim, ffn]],
      ['ffn_down', [ffn, dim]],
    ].map(([name, dims]) => ({ name: `blk.${i}.${name}.weight`, dims }));
  return [
    { name: 'token_embd.weight', dims: [dim, vocab] },
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    { name: 'output_norm.weight', dims: [dim] },
    ...(tied ? [] : [{ name: 'output.weight', dims: [dim, vocab] }]),
  ];
}

/**
 * Writes a model of random weights; the same seed gives the same bytes. The file appears only when complete.
 * @param {string} path
 * @param {{format: 'q8_0' | 'q4_0' | 'f16' | 'bf16' | 'f32', seed?: number, shape?: typeof shape1b, signal?: AbortSignal,
 *   onProgress?: (progress: {writtenBytes: number, totalBytes: number}) => void}} options
 */
export async function writeRandomModel(path, { format, seed = 1, shape = shape1b, signal, onProgress }) {
  const block = blocks[format];
  const tensors = llamaTensors(shape).map(({ name, dims }) => {
    const count = dims.reduce((a, b) => a * b, 1);
    return dims.length === 1
      ? { name, dims, type: 'F32', data: new Float32Array(count).fill(1) }
      : { name, dims, type: block.type, data: randomBlocks(block, count / weightsPerBlock, seed, name) };
  });
  await writeGguf(path, { metadata: llamaMetadata(shape), tensors, signal, onProgress });
}
