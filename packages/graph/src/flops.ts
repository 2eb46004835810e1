import { elementCount, extentOf } from './shape.js';
import { type Tensor, topologicalOrder } from './tensor.js';

/** Records made of multiplications and additions in pairs, and how many pairs one of their tensors takes. */
const PAIRS: ReadonlyMap<string, (tensor: Tensor) => number> = new Map([
  [
    'matmul',
    ({ inputs, shape, attributes }: Tensor) => {
      const { transposeA } = attributes as { readonly transposeA: boolean };
      return elementCount(shape) * extentOf(shapeOf(inputs, 0), transposeA ? -2 : -1);
    },
  ],
  // Every output is a sum over one filter; the convolution's gradients have the same products in other sums.
  ['conv2d', ({ inputs, shape }: Tensor) => elementCount(shape) * filterSize(shapeOf(inputs, 1))],
  [
    'convTranspose2d',
    ({ inputs }: Tensor) => elementCount(shapeOf(inputs, 0)) * filterSize(shapeOf(inputs, 1)),
  ],
  // Scores, and their sums of values.
  [
    'attention',
    ({ inputs, shape }: Tensor) =>
      elementCount(shape.slice(0, 2)) *
      extentOf(shapeOf(inputs, 1), 1) *
      (extentOf(shapeOf(inputs, 0), 2) + extentOf(shape, 2)),
  ],
  ['convFilterGradient', ({ inputs, shape }: Tensor) => elementCount(shapeOf(inputs, 1)) * filterSize(shape)],
]);

/**
 * Floating-point operations (multiplications and additions) of one evaluation of the outputs, by the name of the
 * record: matrix products and convolutions, forward and backward. All else is not counted.
 */
export function countFlops(outputs: readonly Tensor[]): Map<string, number> {
  const flops = new Map<string, number>();
  for (const tensor of topologicalOrder(outputs)) {
    const pairs = PAIRS.get(tensor.op.name)?.(tensor) ?? 0;
    if (pairs > 0) flops.set(tensor.op.name, (flops.get(tensor.op.name) ?? 0) + 2 * pairs);
  }
  return flops;
}

function filterSize(weight: readonly number[]): number {
  return elementCount(weight.slice(1));
}

function shapeOf(inputs: readonly Tensor[], index: number): readonly number[] {
  return inputs[index]?.shape ?? [];
}
