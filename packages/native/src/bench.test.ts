import { describe, expect, test } from 'vitest';
import { loadAddon } from './addon.js';
import {
  type AttentionBenchOptions,
  benchAttention,
  benchLinear,
  benchPeak,
  benchRead,
  type LinearBenchOptions,
} from './bench.js';

const common = { isa: 'portable', threads: 1, seconds: 0, rotateBytes: 1 << 20 } as const;
const linear: LinearBenchOptions = { ...common, ggmlType: 8, rows: 2, n: 40, k: 64, peak: 'none' };
const attention: AttentionBenchOptions = {
  ...common,
  cacheF32: false,
  queryHeads: 4,
  kvHeads: 2,
  headDim: 16,
  sequences: 2,
  rows: 3,
  past: 30,
};

test.each([0, 1, 2, 8, 30])('linear: samples of weight type %i belong together', (ggmlType) => {
  const samples = benchLinear({ ...linear, ggmlType });
  const runs = samples.kernelSeconds.length;
  expect(runs).toBeGreaterThan(0);
  expect(samples.readSeconds).toHaveLength(runs);
  expect(samples.peakOps).toHaveLength(runs);
  expect(samples.kernelSeconds.every((seconds) => seconds > 0)).toBe(true);
  expect(samples.ops).toBe(2 * 2 * 40 * 64);
  const bytesPerBlock = { 0: 128, 1: 64, 2: 18, 8: 34, 30: 64 }[ggmlType]!;
  expect(samples.bytes).toBe(40 * 2 * bytesPerBlock);
});

test('attention: operations and bytes are those of causal attention', () => {
  const samples = benchAttention({ ...attention, pagedBlockTokens: 16 });
  expect(samples.otherSeconds).toHaveLength(samples.kernelSeconds.length);
  // Rows see 31, 32 and 33 tokens; two products of a multiply and an add per head dimension; two sequences.
  expect(samples.ops).toBe((31 + 32 + 33) * 4 * 4 * 16 * 2);
  expect(samples.bytes).toBe(33 * 2 * (2 * 16 * 2) * 2);
});

test('read: rates are positive', () => {
  const rates = benchRead({ ...common, sweepBytes: 1 << 18 });
  expect(rates.every((rate) => rate > 0)).toBe(true);
});

test('peak: what the processor does not have is 0', () => {
  for (const peak of ['fma', 'vnni', 'bf16', 'int16-avx2', 'int8-avx2', 'amx'] as const)
    expect(benchPeak({ isa: 'portable', threads: 2, peak })).toBe(0);
  const { isa } = loadAddon();
  expect(benchPeak({ isa, threads: 1, peak: 'fma' }) > 0).toBe(isa !== 'portable');
  expect(() => benchPeak({ isa, threads: 0, peak: 'fma' })).toThrow(/threads/);
  expect(() => benchPeak({ isa, threads: 1, peak: 'none' as 'fma' })).toThrow(/peak/);
});

describe('bad options are refused by name', () => {
  test.each([
    ['isa', { isa: 'sse9' }],
    ['threads', { threads: 0 }],
    ['seconds', { seconds: 1e9 }],
    ['ggmlType', { ggmlType: 99 }],
    ['k', { k: 33 }],
    ['rows', { rows: 0 }],
    ['rotateBytes', { rotateBytes: -1 }],
  ])('linear: %s', (field, change) => {
    expect(() => benchLinear({ ...linear, ...(change as Partial<LinearBenchOptions>) })).toThrow(
      new RegExp(`\\b${field}\\b`),
    );
  });

  test.each([
    ['shape', { queryHeads: 5 }],
    ['shape', { headDim: 7 }],
    ['shape', { kvHeads: 0 }],
    ['pagedBlockTokens', { pagedBlockTokens: 24 }],
    ['past', { past: 0.5 }],
  ])('attention: %s %o', (field, change) => {
    expect(() => benchAttention({ ...attention, ...change })).toThrow(new RegExp(`\\b${field}\\b`));
  });
});
