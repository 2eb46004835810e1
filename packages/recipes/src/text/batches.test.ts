import { describe, expect, it } from 'vitest';
import { BatchSampler } from './batches.js';
import { overlappingWindows } from './evaluate.js';

const tokens = Uint16Array.from({ length: 1000 }, (_, index) => index);
const sampler = (seed: number): BatchSampler => new BatchSampler(tokens, { batch: 3, context: 8, seed });

describe('BatchSampler', () => {
  it('labels every token with the one that follows', () => {
    const { ids, labels } = sampler(1).batchAt(5);
    expect(ids).toHaveLength(24);
    expect([...labels]).toEqual([...ids].map((id) => id + 1));
  });

  it('gives the same batch for a step whatever came before', () => {
    const walked = sampler(1);
    for (let step = 1; step < 70; step++) walked.batchAt(step);
    expect(walked.batchAt(70)).toEqual(sampler(1).batchAt(70));
    expect(walked.batchAt(2)).toEqual(sampler(1).batchAt(2));
    expect(sampler(2).batchAt(2)).not.toEqual(sampler(1).batchAt(2));
  });

  it('visits every window of an epoch once', () => {
    const windows = sampler(1).windowsPerEpoch;
    expect(windows % 3).toBe(0);
    const starts = Array.from({ length: windows / 3 }, (_, k) => sampler(1).batchAt(k + 1).ids).flatMap(
      (ids) => [...[0, 8, 16].map((offset) => ids[offset] ?? -1)],
    );
    expect(new Set(starts).size).toBe(windows);
  });
});

describe('overlappingWindows', () => {
  for (const length of [2, 8, 9, 10, 13, 14, 40]) {
    it(`predicts each of ${length} tokens but the first exactly once`, () => {
      const text = Array.from({ length }, (_, index) => index);
      const predicted = overlappingWindows(text, 8).flatMap(({ tokens: window, countFrom }) => {
        expect(window.length).toBeLessThanOrEqual(9);
        return window.slice(1 + countFrom);
      });
      expect(predicted).toEqual(text.slice(1));
    });
  }

  it('leaves half a context before every counted prediction', () => {
    const windows = overlappingWindows(
      Array.from({ length: 100 }, (_, index) => index),
      8,
    );
    for (const { countFrom } of windows.slice(1)) expect(countFrom).toBe(4);
  });
});
