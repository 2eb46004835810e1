import { GraphError } from '../errors.js';
import { int, ints } from '../onnx/emitter.js';
import { elementCount, extentOf, normalizeAxis, type Shape, sameShape, stridesOf } from '../shape.js';
import { apply, at, type OpRecord, type Tensor } from '../tensor.js';

// Operations that move elements without changing them. Each one's gradient is another of this file.

const reshapeRecord: OpRecord<{ readonly shape: Shape }> = {
  name: 'reshape',
  infer: (inputs, { shape }) => {
    const from = at(inputs, 0);
    if (elementCount(from.shape) !== elementCount(shape)) {
      throw new GraphError(
        'shape_mismatch',
        `reshape of [${from.shape}] to [${shape}] changes the number of elements`,
      );
    }
    return { shape, dtype: from.dtype };
  },
  gradient: ({ inputs }, g) => [reshape(g, at(inputs, 0).shape)],
  lower: ({ attributes }, inputs, onnx) =>
    onnx.node('Reshape', [at(inputs, 0), onnx.int64s(attributes.shape)]),
  evaluate: (_call, inputs) => at(inputs, 0).data,
};

/** The same elements in row-major order under another shape. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(reshapeRecord, [x], { shape });
}

const transposeRecord: OpRecord<{ readonly permutation: readonly number[] }> = {
  name: 'transpose',
  infer: (inputs, { permutation }) => {
    const { shape, dtype } = at(inputs, 0);
    const isPermutation = [...permutation].sort((a, b) => a - b).every((axis, index) => axis === index);
    if (permutation.length !== shape.length || !isPermutation) {
      throw new GraphError(
        'invalid_attribute',
        `[${permutation}] is not a permutation of the axes of [${shape}]`,
      );
    }
    return { shape: permutation.map((axis) => extentOf(shape, axis)), dtype };
  },
  gradient: ({ attributes }, g) => {
    const inverse = new Array<number>(attributes.permutation.length);
    attributes.permutation.forEach((from, to) => {
      inverse[from] = to;
    });
    return [transpose(g, inverse)];
  },
  lower: ({ attributes }, inputs, onnx) =>
    onnx.node('Transpose', [at(inputs, 0)], { perm: ints(attributes.permutation) }),
  evaluate: ({ attributes, output }, inputs) => {
    const { data, shape } = at(inputs, 0);
    const from = stridesOf(shape);
    const to = stridesOf(output.shape);
    return Float64Array.from({ length: data.length }, (_, index) => {
      const source = attributes.permutation.reduce(
        (sum, axis, k) => sum + (Math.floor(index / at(to, k)) % extentOf(output.shape, k)) * at(from, axis),
        0,
      );
      return at2(data, source);
    });
  },
};

/** Axis k of the result is axis `permutation[k]` of x. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  return apply(transposeRecord, [x], { permutation });
}

interface SliceAttributes {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

const sliceRecord: OpRecord<SliceAttributes> = {
  name: 'slice',
  infer: (inputs, { axis, start, end }) => {
    const { shape, dtype } = at(inputs, 0);
    if (start < 0 || end <= start || end > extentOf(shape, axis)) {
      throw new GraphError(
        'invalid_attribute',
        `slice ${start}..${end} does not fit axis ${axis} of [${shape}]`,
      );
    }
    return { shape: shape.with(axis, end - start), dtype };
  },
  gradient: ({ inputs, attributes: { axis, start, end } }, g) => [
    padZeros(g, axis, start, extentOf(at(inputs, 0).shape, axis) - end),
  ],
  lower: ({ attributes: { axis, start, end } }, inputs, onnx) =>
    onnx.node('Slice', [at(inputs, 0), onnx.int64s([start]), onnx.int64s([end]), onnx.int64s([axis])]),
  evaluate: ({ attributes: { axis, start }, output }, inputs) => {
    const { data, shape } = at(inputs, 0);
    const result = new Float64Array(elementCount(output.shape));
    copyBlocks({ data, shape, offset: start }, { data: result, shape: output.shape, offset: 0 }, axis);
    return result;
  },
};

/** Elements `start..end` (end excluded) of one axis. */
export function slice(x: Tensor, axis: number, start: number, end: number): Tensor {
  const normalized = normalizeAxis(axis, x.shape.length);
  return apply(sliceRecord, [x], { axis: normalized, start, end });
}

interface PadAttributes {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

const padRecord: OpRecord<PadAttributes> = {
  name: 'pad',
  infer: (inputs, { axis, before, after }) => {
    const { shape, dtype } = at(inputs, 0);
    if (before < 0 || after < 0) throw new GraphError('invalid_attribute', 'padding must not be negative');
    return { shape: shape.with(axis, extentOf(shape, axis) + before + after), dtype };
  },
  gradient: ({ inputs, attributes: { axis, before } }, g) => [
    slice(g, axis, before, before + extentOf(at(inputs, 0).shape, axis)),
  ],
  lower: ({ inputs: [x], attributes: { axis, before, after } }, inputs, onnx) => {
    const rank = x?.shape.length ?? 0;
    const pads = new Array<number>(2 * rank).fill(0);
    pads[axis] = before;
    pads[rank + axis] = after;
    return onnx.node('Pad', [at(inputs, 0), onnx.int64s(pads)]);
  },
  evaluate: ({ attributes: { axis, before }, output }, inputs) => {
    const { data, shape } = at(inputs, 0);
    const result = new Float64Array(elementCount(output.shape));
    copyBlocks({ data, shape, offset: 0 }, { data: result, shape: output.shape, offset: before }, axis);
    return result;
  },
};

/** Zeros before and after the elements of one axis. */
export function padZeros(x: Tensor, axis: number, before: number, after: number): Tensor {
  if (before === 0 && after === 0) return x;
  return apply(padRecord, [x], { axis: normalizeAxis(axis, x.shape.length), before, after });
}

const concatRecord: OpRecord<{ readonly axis: number }> = {
  name: 'concat',
  infer: (inputs, { axis }) => {
    const first = at(inputs, 0);
    for (const other of inputs) {
      if (!sameShape(other.shape.with(axis, 1), first.shape.with(axis, 1)) || other.dtype !== first.dtype) {
        throw new GraphError(
          'shape_mismatch',
          `concat on axis ${axis}: [${other.shape}] does not fit [${first.shape}]`,
        );
      }
    }
    const extent = inputs.reduce((sum, other) => sum + extentOf(other.shape, axis), 0);
    return { shape: first.shape.with(axis, extent), dtype: first.dtype };
  },
  gradient: ({ inputs, attributes: { axis } }, g) => {
    let start = 0;
    return inputs.map((part) => {
      const end = start + extentOf(part.shape, axis);
      const gradient = slice(g, axis, start, end);
      start = end;
      return gradient;
    });
  },
  lower: ({ attributes }, inputs, onnx) => onnx.node('Concat', inputs, { axis: int(attributes.axis) }),
  evaluate: ({ attributes: { axis }, output }, inputs) => {
    const result = new Float64Array(elementCount(output.shape));
    let offset = 0;
    for (const { data, shape } of inputs) {
      copyBlocks({ data, shape, offset: 0 }, { data: result, shape: output.shape, offset }, axis);
      offset += extentOf(shape, axis);
    }
    return result;
  },
};

/** Joins tensors that agree in every other axis. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  return apply(concatRecord, parts, { axis: normalizeAxis(axis, at(parts, 0).shape.length) });
}

/**
 * Cuts one axis into parts of the given extents, or into that many equal ones.
 * @throws GraphError `invalid_attribute` if they do not add up to the axis.
 */
export function split(x: Tensor, axis: number, parts: number | readonly number[]): Tensor[] {
  const extent = extentOf(x.shape, axis);
  const extents = typeof parts === 'number' ? new Array<number>(parts).fill(extent / parts) : parts;
  if (extents.reduce((sum, part) => sum + part, 0) !== extent || !extents.every(Number.isInteger)) {
    throw new GraphError(
      'invalid_attribute',
      `axis ${axis} of [${x.shape}] cannot be split into [${extents}]`,
    );
  }
  let end = 0;
  return extents.map((part) => {
    end += part;
    return slice(x, axis, end - part, end);
  });
}

interface Block {
  readonly data: Float64Array;
  readonly shape: Shape;
  /** First index used on the axis. */
  readonly offset: number;
}

/** Copies the overlap of two arrays that differ in one axis only. */
function copyBlocks(from: Block, to: Block, axis: number): void {
  const extent = Math.min(extentOf(from.shape, axis) - from.offset, extentOf(to.shape, axis) - to.offset);
  const inner = elementCount(from.shape.slice(axis + 1));
  const outer = elementCount(from.shape.slice(0, axis));
  for (let block = 0; block < outer; block++) {
    const source = (block * extentOf(from.shape, axis) + from.offset) * inner;
    const target = (block * extentOf(to.shape, axis) + to.offset) * inner;
    to.data.set(from.data.subarray(source, source + extent * inner), target);
  }
}

function at2(data: Float64Array, index: number): number {
  return data[index] ?? Number.NaN;
}
