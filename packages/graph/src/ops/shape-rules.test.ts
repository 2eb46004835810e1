import { describe, expect, it } from 'vitest';
import { GraphError, type GraphErrorCode } from '../errors.js';
import { grad } from '../grad.js';
import type { Shape } from '../shape.js';
import { geglu } from './activation.js';
import { type AttentionOptions, attention } from './attention.js';
import { clamp } from './clamp.js';
import { conv1d } from './conv/conv1d.js';
import { conv2d } from './conv/conv2d.js';
import { convTranspose2d } from './conv/transpose2d.js';
import { add, mul } from './elementwise.js';
import { gatherRows, scatterAddRows } from './gather.js';
import { constant, input, parameter } from './leaf.js';
import { linear, matmul } from './matmul.js';
import { groupNorm, layerNorm } from './norm.js';
import { broadcastTo, reduceSum, sumAll } from './reduce.js';
import { averagePool, pixelShuffle, pixelUnshuffle, upsampleNearest } from './resample.js';
import { rope, ropeTables } from './rope.js';
import { concat, reshape, slice, split, transpose } from './shape.js';
import { tokenCrossEntropy } from './softmax.js';
import { timestepEmbedding } from './timestep.js';

const x = input('x', [2, 3]);
const whole = input('whole', [2], 'int32');

const image = input('image', [2, 3, 4, 4]);
const attend = (shape: Shape, options: AttentionOptions): unknown =>
  attention(input('q', [1, 3, 4]), input('k', shape), input('v', shape), options);

const REFUSED: readonly (readonly [string, GraphErrorCode, () => unknown])[] = [
  ['sum of shapes that do not broadcast', 'shape_mismatch', () => add(x, input('y', [2]))],
  ['arithmetic on indices', 'dtype_mismatch', () => mul(whole, whole)],
  ['matmul with different inner axes', 'shape_mismatch', () => matmul(x, x)],
  ['matmul of different ranks', 'shape_mismatch', () => matmul(x, input('y', [1, 3, 2]))],
  ['reshape to another size', 'shape_mismatch', () => reshape(x, [7])],
  ['transpose by something that is no permutation', 'invalid_attribute', () => transpose(x, [0, 0])],
  ['slice beyond the end', 'invalid_attribute', () => slice(x, 1, 1, 4)],
  ['an axis that does not exist', 'invalid_attribute', () => reduceSum(x, [2])],
  ['concat of unequal shapes', 'shape_mismatch', () => concat([x, input('y', [3, 2])], 0)],
  ['broadcast to a smaller shape', 'shape_mismatch', () => broadcastTo(x, [1, 3])],
  ['rows by real numbers', 'dtype_mismatch', () => gatherRows(x, x)],
  ['rows of a vector', 'shape_mismatch', () => gatherRows(input('v', [3]), whole)],
  ['scatter with unequal counts', 'shape_mismatch', () => scatterAddRows(input('u', [3, 2]), whole, 4)],
  ['labels of another count', 'shape_mismatch', () => tokenCrossEntropy(input('l', [3, 5]), whole)],
  ['rope tables of another width', 'shape_mismatch', () => rope(x, ropeTables(2, 4, 10))],
  ['constant of another size', 'shape_mismatch', () => constant(Float32Array.of(1, 2), [3])],
  ['an empty axis', 'shape_mismatch', () => input('empty', [0])],
  ['gradient of something that is no scalar', 'shape_mismatch', () => grad(x, [])],
  ['gradient for something unused', 'not_differentiable', () => grad(sumAll(x), [parameter('p', [1])])],
  ['attention with heads that do not divide', 'invalid_attribute', () => attend([1, 2, 4], { heads: 3 })],
  [
    'attention masked for other heads',
    'shape_mismatch',
    () => attend([1, 2, 4], { heads: 2, mask: input('m', [3, 1, 1]) }),
  ],
  ['attention over other widths', 'shape_mismatch', () => attend([1, 2, 6], { heads: 2 })],
  ['convolution of other channels', 'shape_mismatch', () => conv2d(image, input('w', [2, 4, 3, 3]))],
  ['convolution of a matrix', 'shape_mismatch', () => conv2d(x, input('w', [2, 4, 3, 3]))],
  ['a kernel larger than the image', 'shape_mismatch', () => conv2d(image, input('w', [2, 3, 5, 5]))],
  [
    'a bias of another width',
    'shape_mismatch',
    () => conv2d(image, input('w', [2, 3, 3, 3]), { bias: input('b', [3]) }),
  ],
  ['a stride of 0', 'invalid_attribute', () => conv2d(image, input('w', [2, 3, 3, 3]), { stride: 0 })],
  [
    'negative padding',
    'invalid_attribute',
    () => conv2d(image, input('w', [2, 3, 3, 3]), { padding: [0, -1] }),
  ],
  [
    'output padding beyond the stride',
    'shape_mismatch',
    () => convTranspose2d(image, input('w', [3, 2, 2, 2]), { stride: 2, outputPadding: 2 }),
  ],
  ['a signal with two axes', 'shape_mismatch', () => conv1d(x, input('w', [2, 3, 3]))],
  [
    'groups that do not divide the channels',
    'invalid_attribute',
    () => groupNorm(image, input('w', [3]), input('b', [3]), 2, 1e-5),
  ],
  [
    'a norm weight of another width',
    'shape_mismatch',
    () => layerNorm(x, input('w', [2]), input('b', [3]), 0),
  ],
  ['a factor that does not divide', 'shape_mismatch', () => averagePool(image, 3)],
  ['unshuffling by a factor that does not divide', 'shape_mismatch', () => pixelUnshuffle(image, 3)],
  ['shuffling too few channels', 'shape_mismatch', () => pixelShuffle(image, 2)],
  ['half a factor', 'invalid_attribute', () => upsampleNearest(image, 1.5)],
  ['a split that does not add up', 'invalid_attribute', () => split(x, 1, 2)],
  ['a gate without its half', 'invalid_attribute', () => geglu(x)],
  ['a linear bias of another width', 'shape_mismatch', () => linear(x, x, input('b', [3]))],
  ['clamping to nothing', 'invalid_attribute', () => clamp(x, 1, 0)],
  ['an odd timestep embedding', 'invalid_attribute', () => timestepEmbedding(input('t', [2]), 7)],
  ['timesteps in a matrix', 'shape_mismatch', () => timestepEmbedding(x, 8)],
];

describe('shape rules refuse', () => {
  for (const [what, code, build] of REFUSED) {
    it(what, () => {
      try {
        build();
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(GraphError);
        expect((error as GraphError).code).toBe(code);
      }
    });
  }
});
