import { GraphError } from '../../errors.js';
import { ints, type OnnxEmitter } from '../../onnx/emitter.js';
import { elementCount, extentOf, sameShape } from '../../shape.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../../tensor.js';
import { add } from '../elementwise.js';
import { reshape } from '../shape.js';
import { applyConv2d, convAttributes } from './conv2d.js';
import { convFilterGradient } from './filter-gradient.js';
import {
  type Conv2dOptions,
  type ConvExtents,
  type ConvGeometry,
  convExtents,
  convGeometry,
  kernelSpan,
  sizeOf,
} from './geometry.js';
import { forEachProduct } from './reference.js';

interface TransposeAttributes extends ConvGeometry {
  /** Height and width of the result: a strided convolution maps several sizes to one. */
  readonly size: readonly [number, number];
}

// The transpose of a convolution as a linear map: its gradient with respect to the image, and a layer of its own.
const convTranspose2dRecord: OpRecord<TransposeAttributes> = {
  name: 'convTranspose2d',
  infer: (inputs, attributes) => {
    const [g, weight] = [at(inputs, 0), at(inputs, 1)];
    for (const operand of inputs) requireDtype(operand, 'float32', 'convTranspose2d');
    const channels = (weight.shape[1] ?? 0) * attributes.groups;
    const shape = [g.shape[0] ?? 0, channels, ...attributes.size];
    convExtents('convTranspose2d', shape, weight.shape, g.shape, attributes);
    return { shape, dtype: 'float32' };
  },
  gradient: ({ inputs, attributes }, g) => {
    const [y, weight] = [at(inputs, 0), at(inputs, 1)];
    return [
      applyConv2d(g, weight, undefined, attributes),
      convFilterGradient(g, y, attributes, sizeOf(weight.shape)),
    ];
  },
  lower: ({ inputs: [g, weight], output, attributes }, inputs, onnx) => {
    const extents = convExtents(
      'convTranspose2d',
      output.shape,
      weight?.shape ?? [],
      g?.shape ?? [],
      attributes,
    );
    const pads = correlationPads(extents, attributes);
    if (pads === undefined) return lowerAsTranspose(extents, attributes, inputs, onnx);
    const turned = turnWeight(extents, attributes.groups, at(inputs, 1), onnx);
    return onnx.node('Conv', [at(inputs, 0), turned], convAttributes({ ...attributes, pads }));
  },
  evaluate: ({ inputs: [g, weight], output, attributes }, values) => {
    const extents = convExtents(
      'convTranspose2d',
      output.shape,
      weight?.shape ?? [],
      g?.shape ?? [],
      attributes,
    );
    const [image, kernel] = [at(values, 0).data, at(values, 1).data];
    const result = new Float64Array(elementCount(output.shape));
    forEachProduct(extents, attributes, (y, to, tap) => {
      result[to] = (result[to] ?? 0) + (image[y] ?? 0) * (kernel[tap] ?? 0);
    });
    return result;
  },
};

/**
 * Pads of the ordinary convolution with the turned kernel that computes the same, which is faster than ConvTranspose
 * (no column buffer to add up); `undefined` when there is none, as for strides.
 */
function correlationPads(
  extents: ConvExtents,
  geometry: ConvGeometry,
): [number, number, number, number] | undefined {
  const { stride, pads } = geometry;
  const [spanY, spanX] = [
    kernelSpan(extents.kernel, geometry, 0) - 1,
    kernelSpan(extents.kernel, geometry, 1) - 1,
  ];
  const turned: [number, number, number, number] = [
    spanY - pads[0],
    spanX - pads[1],
    spanY - pads[2],
    spanX - pads[3],
  ];
  return stride[0] === 1 && stride[1] === 1 && turned.every((pad) => pad >= 0) ? turned : undefined;
}

/** [out, in / groups, height, width] -> [in, out / groups, height, width], upside down and left to right. */
function turnWeight(extents: ConvExtents, groups: number, weight: string, onnx: OnnxEmitter): string {
  const { inChannels, outChannels, kernel } = extents;
  const [groupIn, groupOut, taps] = [inChannels / groups, outChannels / groups, kernel[0] * kernel[1]];
  // Both ways round in row-major order, so turning is reversing the taps.
  const split = onnx.node('Reshape', [weight, onnx.int64s([groups, groupOut, groupIn, taps])]);
  const swapped = onnx.node('Transpose', [split], { perm: ints([0, 2, 1, 3]) });
  const reversed = taps === 1 ? swapped : onnx.node('MatMul', [swapped, reversal(taps, onnx)]);
  return onnx.node('Reshape', [reversed, onnx.int64s([inChannels, groupOut, ...kernel])]);
}

/** The matrix that reverses a row: exact, and many times faster than ONNX Runtime's Slice with negative steps. */
function reversal(length: number, onnx: OnnxEmitter): string {
  const matrix = new Float32Array(length * length);
  for (let k = 0; k < length; k++) matrix[k * length + length - 1 - k] = 1;
  return onnx.constant(matrix, [length, length]);
}

function lowerAsTranspose(
  extents: ConvExtents,
  geometry: ConvGeometry,
  inputs: readonly string[],
  onnx: OnnxEmitter,
): string {
  const { stride, pads } = geometry;
  const missing = (axis: 0 | 1): number => {
    const covered = (extents.out[axis] - 1) * stride[axis] + kernelSpan(extents.kernel, geometry, axis);
    return extents.in[axis] - (covered - pads[axis] - pads[axis + 2]!);
  };
  return onnx.node('ConvTranspose', inputs, {
    ...convAttributes(geometry),
    output_padding: ints([missing(0), missing(1)]),
  });
}

/** What flows to the image of a convolution when `g` flows to its result. `size`: the image's height and width. */
export function convInputGradient(
  g: Tensor,
  weight: Tensor,
  geometry: ConvGeometry,
  size: readonly [number, number],
): Tensor {
  return apply(convTranspose2dRecord, [g, weight], { ...geometry, size });
}

/** Options of {@link convTranspose2d}. */
export interface ConvTranspose2dOptions extends Conv2dOptions {
  /** [out]. */
  readonly bias?: Tensor | undefined;
  /** Rows and columns added below and to the right, less than the stride; 0 by default. */
  readonly outputPadding?: number | readonly [number, number];
}

/**
 * Transposed convolution in the layouts of `torch.nn.ConvTranspose2d`: x [batch, in, height, width], weight [in, out /
 * groups, kernelHeight, kernelWidth] -> [batch, out, (height - 1) stride - padding + span + outputPadding, ...].
 * @throws GraphError `shape_mismatch`, `invalid_attribute` or `dtype_mismatch`.
 */
export function convTranspose2d(x: Tensor, weight: Tensor, options: ConvTranspose2dOptions = {}): Tensor {
  const geometry = convGeometry(options);
  if (x.shape.length !== 4 || weight.shape.length !== 4) {
    throw new GraphError(
      'shape_mismatch',
      `convTranspose2d needs four axes each, got x [${x.shape}] and weight [${weight.shape}]`,
    );
  }
  const { outputPadding = 0, bias } = options;
  const extra = typeof outputPadding === 'number' ? [outputPadding, outputPadding] : outputPadding;
  const along = (axis: 0 | 1): number =>
    (extentOf(x.shape, axis + 2) - 1) * geometry.stride[axis] +
    kernelSpan(sizeOf(weight.shape), geometry, axis) -
    geometry.pads[axis] -
    geometry.pads[axis + 2]! +
    (extra[axis] ?? 0);
  const y = convInputGradient(x, weight, geometry, [along(0), along(1)]);
  if (bias === undefined) return y;
  const channels = extentOf(y.shape, 1);
  if (!sameShape(bias.shape, [channels])) {
    throw new GraphError('shape_mismatch', `convTranspose2d needs a bias [${channels}], got [${bias.shape}]`);
  }
  return add(y, reshape(bias, [1, channels, 1, 1]));
}
