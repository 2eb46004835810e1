import { expect, test } from 'vitest';
import { int8Peak, rooflineSeconds, stepCost } from './roofline.mjs';

const shape = { dim: 64, layers: 2, heads: 4, kvHeads: 2, ffn: 96, vocab: 100 };
// Per layer: q and o 64 x 64, k and v 64 x 32, three of 64 x 96.
const layerWeights = 2 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 96);

test('a decode step reads every weight once and multiplies each for every sequence', () => {
  const cost = stepCost(shape, { format: 'q8_0', sequences: 3, newTokens: 1, past: 9 });
  expect(cost.bytes).toBe(((layerWeights + 6400) * 34) / 32);
  expect(cost.productOps).toBe(2 * 3 * (layerWeights + 6400));
  // Ten tokens seen, two products of 64 multiplies and adds in each of two layers.
  expect(cost.attentionOps).toBe(3 * 2 * 10 * 2 * 2 * 64);
});

test('a prompt is causal and gives one row of logits', () => {
  const cost = stepCost(shape, { format: 'q4_0', sequences: 1, newTokens: 4, past: 2 });
  expect(cost.bytes).toBe(((layerWeights + 6400) * 18) / 32);
  expect(cost.productOps).toBe(2 * (4 * layerWeights + 6400));
  expect(cost.attentionOps).toBe(2 * (3 + 4 + 5 + 6) * 2 * 2 * 64);
});

test('the roofline is the longer of reading and computing; unknown peaks bound nothing', () => {
  const cost = { bytes: 4e9, productOps: 6e9, attentionOps: 1e9 };
  const peaks = { productOpsPerSecond: 2e9, fmaOpsPerSecond: 1e9 };
  expect(rooflineSeconds(cost, { readGBs: 2, ...peaks })).toBe(4);
  expect(rooflineSeconds(cost, { readGBs: 0.5, ...peaks })).toBe(8);
  expect(rooflineSeconds(cost, { readGBs: 4, productOpsPerSecond: 0, fmaOpsPerSecond: 0 })).toBe(1);
});

test('each instruction set has its instruction', () => {
  expect(int8Peak('portable', 'q8_0')).toBe('none');
  for (const isa of ['avxvnni', 'avx512', 'avx512bf16', 'amx']) expect(int8Peak(isa, 'q4_0')).toBe('vnni');
  expect([int8Peak('avx2', 'q8_0'), int8Peak('avx2', 'q4_0')]).toEqual(['int16-avx2', 'int8-avx2']);
});
