import { describe, expect, it } from 'vitest';
import { input } from '../ops/leaf.js';
import { Random } from '../random.js';
import { evaluateReference } from '../reference.js';
import { adamwUpdate, DEFAULT_ADAMW, globalNorm } from './adamw.js';
import { DEFAULT_MUON, muonDirection, muonUpdate, orthogonalize } from './muon.js';

const random = new Random(5);
const normals = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());

describe('adamwUpdate', () => {
  it('follows the published update for several steps', () => {
    const slot = {
      parameter: normals(3),
      first: new Float32Array(3),
      second: new Float32Array(3),
      isDecayed: true,
    };
    const expected = [...slot.parameter];
    const m = [0, 0, 0];
    const v = [0, 0, 0];
    for (let step = 1; step <= 4; step++) {
      const gradient = normals(3);
      adamwUpdate(slot, gradient, step, 0.01, 0.5, DEFAULT_ADAMW);
      gradient.forEach((value, k) => {
        const g = 0.5 * value;
        m[k] = 0.9 * (m[k] ?? 0) + 0.1 * g;
        v[k] = 0.95 * (v[k] ?? 0) + 0.05 * g * g;
        const unbiased = (m[k] ?? 0) / (1 - 0.9 ** step);
        const spread = Math.sqrt((v[k] ?? 0) / (1 - 0.95 ** step)) + 1e-8;
        expected[k] = (expected[k] ?? 0) - 0.01 * (unbiased / spread + 0.1 * (expected[k] ?? 0));
      });
    }
    slot.parameter.forEach((value, k) => {
      expect(value).toBeCloseTo(expected[k] ?? Number.NaN, 5);
    });
  });

  it('does not decay what must not be decayed', () => {
    const slot = {
      parameter: Float32Array.of(3),
      first: new Float32Array(1),
      second: new Float32Array(1),
      isDecayed: false,
    };
    adamwUpdate(slot, Float32Array.of(0), 1, 0.1, 1, DEFAULT_ADAMW);
    expect(slot.parameter[0]).toBe(3);
  });
});

describe('globalNorm', () => {
  it('is the Euclidean norm over all gradients together', () => {
    expect(globalNorm([Float32Array.of(3), Float32Array.of(0, 4)])).toBe(5);
  });
});

describe('orthogonalize', () => {
  for (const [rows, columns] of [
    [4, 9],
    [9, 4],
    [5, 5],
  ] as const) {
    it(`brings the singular values of a ${rows} x ${columns} matrix near one`, () => {
      const matrix = input('matrix', [rows, columns]);
      const [x] = evaluateReference([orthogonalize(matrix)], { matrix: normals(rows * columns) });
      // All singular values lie in [a, b] exactly if |Xy|^2 / |y|^2 does for y in the row space; test on random X^T z.
      for (let trial = 0; trial < 20; trial++) {
        const y = combine(x ?? new Float64Array(), rows, columns, normals(rows));
        const image = Array.from({ length: rows }, (_, row) =>
          y.reduce((sum, value, column) => sum + value * (x?.[row * columns + column] ?? 0), 0),
        );
        const ratio = Math.hypot(...image) / Math.hypot(...y);
        expect(ratio).toBeGreaterThan(0.3);
        expect(ratio).toBeLessThan(1.35);
      }
    });
  }
});

describe('Muon', () => {
  it('accumulates momentum, looks ahead, and steps with decay', () => {
    const slot = { parameter: Float32Array.of(1, 1), momentum: Float32Array.of(2, 0), shape: [1, 2] };
    const direction = muonDirection(slot, Float32Array.of(4, -4), 0.5, DEFAULT_MUON);
    expect(slot.momentum[0]).toBeCloseTo(0.95 * 2 + 2);
    expect(direction[0]).toBeCloseTo(2 + 0.95 * 3.9);
    expect(direction[1]).toBeCloseTo(-2 - 0.95 * 2);
    muonUpdate(slot, Float32Array.of(0.6, -0.8), 0.1, DEFAULT_MUON);
    expect(slot.parameter[0]).toBeCloseTo(0.99 - 0.1 * 0.2 * Math.SQRT2 * 0.6);
  });
});

function combine(matrix: Float64Array, rows: number, columns: number, weights: Float32Array): number[] {
  return Array.from({ length: columns }, (_, column) =>
    Array.from({ length: rows }).reduce<number>(
      (sum, _value, row) => sum + (weights[row] ?? 0) * (matrix[row * columns + column] ?? 0),
      0,
    ),
  );
}
