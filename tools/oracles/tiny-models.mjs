/**
 * Tiny llama models with random weights, one per weight type and one per feature of the architecture, for parity
 * with llama.cpp. Small enough to be committed; shaped to be awkward (dims that are no multiple of 64, one KV head,
 * head dims 16, 32 and 64).
 */
import { f32, quantize, writeGguf } from '@triptych/checkpoints';
import { llamaMetadata, llamaTensors } from '../../benchmarks/random-model.mjs';

export const tinyVocab = 288;
const base = { vocab: tinyVocab, context: 512 };

/** `type` is the weights' type, or a function of the tensor's name. */
export const tinyModels = [
  { name: 'tiny-f32', type: 'F32', dim: 64, layers: 2, heads: 4, kvHeads: 2, ffn: 96 },
  { name: 'tiny-f16', type: 'F16', dim: 96, layers: 2, heads: 3, kvHeads: 1, ffn: 160 },
  { name: 'tiny-bf16', type: 'BF16', dim: 64, layers: 3, heads: 2, kvHeads: 2, ffn: 176 },
  { name: 'tiny-q8_0', type: 'Q8_0', dim: 128, layers: 2, heads: 4, kvHeads: 2, ffn: 256 },
  { name: 'tiny-q4_0', type: 'Q4_0', dim: 128, layers: 3, heads: 4, kvHeads: 1, ffn: 288 },
  { name: 'tiny-tied', type: 'Q8_0', dim: 128, layers: 2, heads: 2, kvHeads: 1, ffn: 192, tied: true },
  {
    name: 'tiny-mixed',
    type: (tensor) =>
      /attn_[qk]|token_embd/.test(tensor) ? 'Q4_0' : /ffn_gate|attn_v/.test(tensor) ? 'Q8_0' : 'F16',
    dim: 96,
    layers: 2,
    heads: 6,
    kvHeads: 3,
    ffn: 160,
  },
  // Llama 3's rotary base and per-pair frequency divisors (the tensor rope_freqs.weight).
  {
    name: 'tiny-ropefreqs',
    type: 'Q8_0',
    dim: 128,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    ffn: 192,
    metadata: [['llama.rope.freq_base', f32(500000)]],
    ropeFactors: (pairs) =>
      Float32Array.from({ length: pairs }, (_, i) =>
        i < pairs / 2 ? 1 : 1 + (7 * (i - pairs / 2 + 1)) / (pairs / 2),
      ),
  },
  {
    name: 'tiny-ropelinear',
    type: 'F16',
    dim: 64,
    layers: 2,
    heads: 4,
    kvHeads: 4,
    ffn: 96,
    metadata: [
      ['llama.rope.scaling.type', 'linear'],
      ['llama.rope.scaling.factor', f32(4)],
    ],
  },
];

/** Standard normal numbers from a seed (mulberry32 and Box-Muller). */
export function gaussians(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Weights scaled so that logits spread by about one: enough for any real difference to show (KL of unrelated outputs is
 * about 1), little enough that the noise both engines have from 8-bit activations stays far below the bound. */
function values(name, dims, next) {
  const count = dims.reduce((a, b) => a * b, 1);
  if (dims.length === 1) return Float32Array.from({ length: count }, () => 1 + 0.2 * next());
  const gain = /output\.weight$|token_embd/.test(name) ? 1 : 0.9;
  return Float32Array.from({ length: count }, () => (gain * next()) / Math.sqrt(dims[0]));
}

/** Writes one model of the list; the same bytes every time. */
export async function writeTinyModel(path, model) {
  const shape = { ...base, ...model };
  const metadata = llamaMetadata(shape);
  for (const [key, value] of model.metadata ?? []) metadata.set(key, value);
  const next = gaussians(1000 + tinyModels.indexOf(model));
  const typeOf = typeof model.type === 'function' ? model.type : () => model.type;
  const tensors = llamaTensors(shape).map(({ name, dims }) => {
    const type = dims.length === 1 ? 'F32' : typeOf(name);
    return { name, dims, type, data: quantize(type, values(name, dims, next)) };
  });
  const pairs = shape.dim / shape.heads / 2;
  if (model.ropeFactors)
    tensors.push({ name: 'rope_freqs.weight', dims: [pairs], type: 'F32', data: model.ropeFactors(pairs) });
  await writeGguf(path, { metadata, tensors });
}

/** Token sequences every model is asked about: begin-of-sequence first, seeded, of several lengths. */
export function probeSequences() {
  const next = gaussians(7);
  return [48, 24, 7].map((length) =>
    Array.from({ length }, (_, i) =>
      i === 0 ? 1 : 3 + (Math.floor(Math.abs(next()) * 1e6) % (tinyVocab - 3)),
    ),
  );
}
