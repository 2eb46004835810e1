/**
 * What no engine could exceed on this machine, however good its kernels: the longer of reading the weights of a step at the
 * read rate of the moment, and multiplying at the peak rate of the fastest instruction for the format.
 */
import { cpuQuota, loadAddon } from '@triptych/native';
import { benchPeak } from '@triptych/native/bench';

/** The instruction that bounds a quantised linear layer on an instruction set (`PeakName`). */
export function int8Peak(isa, format) {
  if (isa === 'portable') return 'none';
  if (isa === 'avx2') return format === 'q8_0' ? 'int16-avx2' : 'int8-avx2';
  return 'vnni';
}

const bytesPerWeight = { q8_0: 34 / 32, q4_0: 18 / 32 };

/**
 * Bytes read by a step and operations done, of a llama model.
 * @param {{dim: number, layers: number, heads: number, kvHeads: number, ffn: number, vocab: number}} shape
 * @param {{format: 'q8_0' | 'q4_0', sequences: number, newTokens: number, past: number}} step  a prompt of `newTokens`
 *   gives one row of logits; every sequence is a prompt or, with one new token, a decode step
 * @returns {{bytes: number, productOps: number, attentionOps: number}} a multiply and an add are two operations
 */
export function stepCost(shape, { format, sequences, newTokens, past }) {
  const { dim, layers, heads, kvHeads, ffn, vocab } = shape;
  const layerWeights = layers * (2 * dim * dim + 2 * dim * (dim / heads) * kvHeads + 3 * dim * ffn);
  const logitWeights = dim * vocab;
  const seen = newTokens * past + (newTokens * (newTokens + 1)) / 2;
  return {
    bytes: (layerWeights + logitWeights) * bytesPerWeight[format],
    productOps: 2 * sequences * (newTokens * layerWeights + logitWeights),
    attentionOps: 4 * sequences * layers * dim * seen,
  };
}

/** The shortest a step of that cost could take, in seconds. A rate of 0 is unknown and bounds nothing. */
export function rooflineSeconds(
  { bytes, productOps, attentionOps },
  { readGBs, productOpsPerSecond, fmaOpsPerSecond },
) {
  const time = (ops, rate) => (rate > 0 ? ops / rate : 0);
  return Math.max(
    bytes / (readGBs * 1e9),
    time(productOps, productOpsPerSecond) + time(attentionOps, fmaOpsPerSecond),
  );
}

/** The peaks of this moment on all threads. On AMX attention does not use f32 FMA, so only the products are counted. */
export function currentPeaks(format, threads = cpuQuota()) {
  const { isa } = loadAddon();
  if (isa === 'portable') return { productOpsPerSecond: 0, fmaOpsPerSecond: 0 };
  const peakOf = (peak) => benchPeak({ isa, threads, peak });
  if (isa === 'amx') return { productOpsPerSecond: peakOf('amx'), fmaOpsPerSecond: 0 };
  return { productOpsPerSecond: peakOf(int8Peak(isa, format)), fmaOpsPerSecond: peakOf('fma') };
}
