import { ints, type OnnxEmitter } from '../../onnx/emitter.js';
import { type ConvExtents, type ConvGeometry, kernelSpan } from './geometry.js';
import { convAttributes } from './lower.js';

/** Lowers a transposed convolution of [gradient or signal, weight]. */
export function lowerTranspose(
  extents: ConvExtents,
  geometry: ConvGeometry,
  inputs: readonly [string, string],
  onnx: OnnxEmitter,
): string {
  const pads = correlationPads(extents, geometry);
  if (pads === undefined) return lowerAsTranspose(extents, geometry, inputs, onnx);
  const turned = turnWeight(extents, geometry.groups, inputs[1], onnx);
  return onnx.node('Conv', [inputs[0], turned], convAttributes({ ...geometry, pads }));
}

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
