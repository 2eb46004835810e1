import { describe, expect, it } from 'vitest';
import { evaluateReference } from '../reference.js';
import { elementCount } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { attention } from './attention.js';
import { conv2d } from './conv/conv2d.js';
import { constant, input } from './leaf.js';
import { groupNorm } from './norm.js';
import { averagePool, pixelShuffle, pixelUnshuffle, upsampleNearest } from './resample.js';
import { timestepEmbedding } from './timestep.js';

// Where elements go, in numbers worked out by hand: a reference that shares a mistake with its gradient would hide it.

const counting = (shape: readonly number[]): Tensor =>
  constant(
    Float32Array.from({ length: elementCount(shape) }, (_, k) => k),
    shape,
  );
const valuesOf = (tensor: Tensor, feeds: Record<string, number[]> = {}): number[] => [
  ...(evaluateReference([tensor], feeds)[0] ?? []),
];

describe('layouts', () => {
  it('pixelUnshuffle puts the offsets in a block behind the channel', () => {
    const y = pixelUnshuffle(counting([1, 2, 2, 4]), 2);
    expect(y.shape).toEqual([1, 8, 1, 2]);
    expect(valuesOf(y)).toEqual([0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15]);
    expect(valuesOf(pixelShuffle(y, 2))).toEqual(valuesOf(counting([1, 2, 2, 4])));
  });

  it('upsampleNearest repeats pixels, averagePool undoes it', () => {
    const y = upsampleNearest(counting([1, 1, 2, 2]), 2);
    expect(valuesOf(y)).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3]);
    expect(valuesOf(averagePool(y, 2))).toEqual([0, 1, 2, 3]);
  });

  it('conv2d correlates, and pads below and to the right when told to', () => {
    const x = counting([1, 1, 3, 3]);
    const weight = constant(Float32Array.of(1, 10, 100, 1000), [1, 1, 2, 2]);
    expect(valuesOf(conv2d(x, weight))).toEqual([4310, 5421, 7643, 8754]);
    const padded = conv2d(x, weight, { stride: 2, padding: { top: 0, left: 0, bottom: 1, right: 1 } });
    expect(valuesOf(padded)).toEqual([4310, 502, 76, 8]);
  });

  it('groupNorm takes neighbouring channels together', () => {
    const ones = constant(new Float32Array(4).fill(1), [4]);
    const x = constant(Float32Array.of(1, 3, 100, 104), [1, 4]);
    const values = valuesOf(groupNorm(x, ones, constant(new Float32Array(4), [4]), 2, 0));
    expect(values).toEqual([-1, 1, -1, 1]);
  });

  it('attention keeps heads side by side', () => {
    const [q, k] = [counting([1, 1, 4]), constant(new Float32Array(8), [1, 2, 4])];
    const v = constant(Float32Array.of(0, 10, 20, 30, 2, 14, 26, 38), [1, 2, 4]);
    expect(valuesOf(attention(q, k, v, { heads: 2 }))).toEqual([1, 12, 23, 34]);
    const mask = constant(Float32Array.of(0, -1e9), [1, 2]);
    expect(valuesOf(attention(q, k, v, { heads: 2, mask }))).toEqual([0, 10, 20, 30]);
  });

  it('timestepEmbedding follows diffusers, in both orders', () => {
    const t = input('t', [1]);
    const [a, b] = [3, 3 / 100];
    const sinFirst = valuesOf(timestepEmbedding(t, 4, { frequencyShift: 0 }), { t: [3] });
    const wanted = [Math.sin(a), Math.sin(b), Math.cos(a), Math.cos(b)];
    sinFirst.forEach((value, k) => {
      expect(value).toBeCloseTo(wanted[k] ?? Number.NaN, 6);
    });
    const flipped = valuesOf(timestepEmbedding(t, 4, { frequencyShift: 1, flipSinToCos: true }), { t: [3] });
    expect(flipped[1]).toBeCloseTo(Math.cos(3 / 10_000), 6);
  });
});
