import { GraphError } from '../errors.js';
import { int } from '../onnx/emitter.js';
import {
  broadcastShapes,
  elementCount,
  extentOf,
  normalizeAxis,
  type Shape,
  sameShape,
  stridesOf,
} from '../shape.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../tensor.js';
import { reshape } from './shape.js';

// Sum and broadcast: each is the other's gradient.

const reduceSumRecord: OpRecord<{ readonly axes: readonly number[] }> = {
  name: 'reduceSum',
  infer: (inputs, { axes }) => {
    const x = at(inputs, 0);
    requireDtype(x, 'float32', 'reduceSum');
    return { shape: axes.reduce<Shape>((shape, axis) => shape.with(axis, 1), x.shape), dtype: 'float32' };
  },
  gradient: ({ inputs }, g) => [broadcastTo(g, at(inputs, 0).shape)],
  lower: ({ attributes }, inputs, onnx) =>
    onnx.node('ReduceSum', [at(inputs, 0), onnx.int64s(attributes.axes)], { keepdims: int(1) }),
  evaluate: ({ output }, inputs) => {
    const { data, shape } = at(inputs, 0);
    const result = new Float64Array(elementCount(output.shape));
    const target = broadcastIndex(shape, output.shape);
    data.forEach((value, index) => {
      const cell = target(index);
      result[cell] = (result[cell] ?? 0) + value;
    });
    return result;
  },
};

/** Sum over the given axes (all by default), which stay as extent 1. */
export function reduceSum(x: Tensor, axes: readonly number[] = x.shape.map((_, axis) => axis)): Tensor {
  if (axes.length === 0) return x;
  return apply(reduceSumRecord, [x], { axes: axes.map((axis) => normalizeAxis(axis, x.shape.length)) });
}

/** Sum of all elements as a scalar. */
export function sumAll(x: Tensor): Tensor {
  return reshape(reduceSum(x), []);
}

const broadcastRecord: OpRecord<{ readonly shape: Shape }> = {
  name: 'broadcastTo',
  infer: (inputs, { shape }) => {
    const x = at(inputs, 0);
    if (!sameShape(broadcastShapes(x.shape, shape), shape)) {
      throw new GraphError('shape_mismatch', `[${x.shape}] cannot be broadcast to [${shape}]`);
    }
    return { shape, dtype: x.dtype };
  },
  gradient: ({ inputs }, g) => [sumTo(g, at(inputs, 0).shape)],
  lower: ({ attributes }, inputs, onnx) =>
    onnx.node('Expand', [at(inputs, 0), onnx.int64s(attributes.shape)]),
  evaluate: ({ output }, inputs) => {
    const { data, shape } = at(inputs, 0);
    const source = broadcastIndex(output.shape, shape);
    return Float64Array.from(
      { length: elementCount(output.shape) },
      (_, index) => data[source(index)] ?? Number.NaN,
    );
  },
};

/** Repeats x along axes of extent 1 (or axes it does not have) until it has the given shape. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(broadcastRecord, [x], { shape });
}

/** Sums x down to a shape that broadcasts to x's: the gradient of broadcasting. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.shape.length - shape.length;
  const axes = x.shape.flatMap((extent, axis) =>
    axis < lead || (shape[axis - lead] === 1 && extent !== 1) ? [axis] : [],
  );
  return reshape(reduceSum(x, axes), shape);
}

/** Maps a flat index of `large` to the flat index of the element of `small` that broadcasts onto it. */
export function broadcastIndex(large: Shape, small: Shape): (index: number) => number {
  const lead = large.length - small.length;
  const smallStrides = stridesOf(small);
  const axes = stridesOf(large).flatMap((stride, axis) => {
    const smallAxis = axis - lead;
    const repeats = smallAxis < 0 || small[smallAxis] === 1;
    return repeats
      ? []
      : [{ stride, extent: extentOf(large, axis), smallStride: at(smallStrides, smallAxis) }];
  });
  return (index) =>
    axes.reduce(
      (sum, { stride, extent, smallStride }) => sum + (Math.floor(index / stride) % extent) * smallStride,
      0,
    );
}
