import { describe, expect, it } from 'vitest';
import { grad } from '../grad.js';
import { evaluateReference } from '../reference.js';
import { type Tensor, topologicalOrder } from '../tensor.js';
import { type OpCase, opCases } from '../testing/op-cases.js';

const STEP = 1e-5;

/** Central differences of the loss in float64. */
function numericalGradient({ loss, feeds }: OpCase, name: string): number[] {
  const values = Float64Array.from(feeds[name] ?? []);
  const lossAt = (index: number, offset: number): number => {
    const moved = values.slice();
    moved[index] = (moved[index] ?? 0) + offset;
    return evaluateReference([loss], { ...feeds, [name]: moved })[0]?.[0] ?? Number.NaN;
  };
  return [...values].map((_, index) => (lossAt(index, STEP) - lossAt(index, -STEP)) / (2 * STEP));
}

describe('gradient rules against central differences in float64', () => {
  for (const opCase of opCases()) {
    it(opCase.name, () => {
      const targets = [...opCase.parameters.values()];
      const gradients = evaluateReference(grad(opCase.loss, targets), opCase.feeds);
      [...opCase.parameters.keys()].forEach((name, index) => {
        const expected = numericalGradient(opCase, name);
        const actual = [...(gradients[index] ?? [])];
        expect(actual).toHaveLength(expected.length);
        actual.forEach((value, k) => {
          expect(Math.abs(value - (expected[k] ?? Number.NaN))).toBeLessThan(
            1e-7 * (1 + Math.abs(value)) * 10,
          );
        });
      });
    });
  }

  it('covers every operation', () => {
    const tensors: Tensor[] = opCases().flatMap(({ loss, parameters }) =>
      topologicalOrder([loss, ...grad(loss, [...parameters.values()])]),
    );
    const covered = new Set(tensors.map(({ op }) => op.name));
    const all =
      'input parameter constant add sub mul div neg exp log sqrt reciprocal sigmoid tanh erf matmul softmax';
    const rest =
      'reshape transpose slice pad concat reduceSum broadcastTo gatherRows scatterAddRows rotateHalves';
    const images =
      'clamp inside attention swish gelu geglu sin cos conv2d convTranspose2d convFilterGradient standardize inverseDeviation layerNorm groupNorm upsampleNearest averagePool';
    const losses = 'tokenCrossEntropy tokenCrossEntropyGradient';
    expect([...covered].sort()).toEqual(`${all} ${rest} ${images} ${losses}`.split(' ').sort());
  });
});
