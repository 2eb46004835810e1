import { describe, expect, it } from 'vitest';
import { GraphError, type GraphErrorCode } from '../errors.js';
import { grad } from '../grad.js';
import { add, mul } from './elementwise.js';
import { gatherRows, scatterAddRows } from './gather.js';
import { constant, input, parameter } from './leaf.js';
import { matmul } from './matmul.js';
import { broadcastTo, reduceSum, sumAll } from './reduce.js';
import { rope, ropeTables } from './rope.js';
import { concat, reshape, slice, transpose } from './shape.js';
import { tokenCrossEntropy } from './softmax.js';

const x = input('x', [2, 3]);
const whole = input('whole', [2], 'int32');

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
