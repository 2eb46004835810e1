import { describe, expect, it } from 'vitest';
import { countFlops } from './flops.js';
import { grad } from './grad.js';
import { attention } from './ops/attention.js';
import { conv2d } from './ops/conv/conv2d.js';
import { input, parameter } from './ops/leaf.js';
import { matmul } from './ops/matmul.js';
import { sumAll } from './ops/reduce.js';

describe('countFlops', () => {
  it('counts a matrix product once however it is transposed', () => {
    const [a, b] = [input('a', [5, 3]), input('b', [5, 7])];
    expect([...countFlops([matmul(a, b, { transposeA: true })])]).toEqual([['matmul', 2 * 3 * 5 * 7]]);
  });

  it('counts both products of attention', () => {
    const [q, k, v] = [input('q', [2, 5, 8]), input('k', [2, 7, 8]), input('v', [2, 7, 4])];
    const expected = 2 * (2 * 5 * 7 * 8 + 2 * 5 * 7 * 4);
    expect([...countFlops([attention(q, k, v, { heads: 2 })])]).toEqual([['attention', expected]]);
  });

  it('counts a convolution and its two gradients alike', () => {
    const [x, w] = [parameter('x', [2, 4, 8, 8]), parameter('w', [6, 2, 3, 3])];
    const y = conv2d(x, w, { stride: 2, padding: 1, groups: 2 });
    const each = 2 * (2 * 6 * 4 * 4) * (2 * 3 * 3);
    expect(Object.fromEntries(countFlops([y, ...grad(sumAll(y), [x, w])]))).toEqual({
      conv2d: each,
      convTranspose2d: each,
      convFilterGradient: each,
    });
  });
});
