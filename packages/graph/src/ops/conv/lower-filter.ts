import { int, ints, type OnnxEmitter } from '../../onnx/emitter.js';
import { type ConvExtents, type ConvGeometry, kernelSpan } from './geometry.js';
import { convAttributes } from './lower.js';

/** Lowers the gradient of a convolution to its weight, from [image, gradient of the result]. */
export function lowerFilterGradient(
  extents: ConvExtents,
  geometry: ConvGeometry,
  inputs: readonly [string, string],
  onnx: OnnxEmitter,
): string {
  const { groups } = geometry;
  if (groups === 1) return lowerGroup(extents, geometry, inputs[0], inputs[1], onnx);
  const [groupIn, groupOut] = [extents.inChannels / groups, extents.outChannels / groups];
  const part = (value: string, index: number, width: number): string =>
    onnx.node('Slice', [
      value,
      onnx.int64s([index * width]),
      onnx.int64s([(index + 1) * width]),
      onnx.int64s([1]),
    ]);
  const parts = Array.from({ length: groups }, (_, index) =>
    lowerGroup(
      { ...extents, inChannels: groupIn, outChannels: groupOut },
      { ...geometry, groups: 1 },
      part(inputs[0], index, groupIn),
      part(inputs[1], index, groupOut),
      onnx,
    ),
  );
  return onnx.node('Concat', parts, { axis: int(0) });
}

/**
 * The sum over images and positions is a matrix product with a long inner axis. ONNX Runtime unfolds images on the fly
 * only inside Conv, so the product is written as one: the images become the channels of a single picture of size
 * height x (width * inChannels), the gradients become its kernels, and the picture's last axis, dilated by inChannels,
 * holds the channels side by side. The result is [out, kernelHeight, kernelWidth, in]. Long rows keep the unfolding at
 * copying speed, which is what a direct transcription (rows of three) loses.
 */
function lowerGroup(
  extents: ConvExtents,
  geometry: ConvGeometry,
  x: string,
  g: string,
  onnx: OnnxEmitter,
): string {
  const { batch, inChannels, outChannels, kernel } = extents;
  const [height, width] = extents.in;
  const [outHeight, outWidth] = extents.out;
  const channelsLast = onnx.node('Transpose', [x], { perm: ints([0, 2, 3, 1]) });
  const kernels = onnx.node('Transpose', [g], { perm: ints([1, 0, 2, 3]) });
  const isPointwise = kernel[0] * kernel[1] === 1 && height === outHeight && width === outWidth;
  if (isPointwise && geometry.pads.every((pad) => pad === 0)) {
    const pixels = batch * height * width;
    const left = onnx.node('Reshape', [kernels, onnx.int64s([outChannels, pixels])]);
    const right = onnx.node('Reshape', [channelsLast, onnx.int64s([pixels, inChannels])]);
    const product = onnx.node('MatMul', [left, right]);
    return onnx.node('Reshape', [product, onnx.int64s([outChannels, inChannels, 1, 1])]);
  }
  const [spanY, spanX] = [kernelSpan(kernel, geometry, 0), kernelSpan(kernel, geometry, 1)];
  const [top, left] = [geometry.pads[0], geometry.pads[1]];
  // Rows and columns that strides left unused need no padding; what they add to the result is cut off below.
  const bottom = Math.max(0, spanY + geometry.stride[0] * (outHeight - 1) - height - top);
  const right = Math.max(0, spanX + geometry.stride[1] * (outWidth - 1) - width - left);
  const rows = Math.floor(
    (height + top + bottom - geometry.stride[0] * (outHeight - 1) - 1) / geometry.dilation[0] + 1,
  );
  const columns = width + left + right - geometry.stride[1] * (outWidth - 1);
  const picture = onnx.node('Reshape', [channelsLast, onnx.int64s([1, batch, height, width * inChannels])]);
  const product = onnx.node(
    'Conv',
    [picture, kernels],
    convAttributes({
      stride: [geometry.dilation[0], 1],
      pads: [top, left * inChannels, bottom, right * inChannels],
      dilation: [geometry.stride[0], geometry.stride[1] * inChannels],
      groups: 1,
    }),
  );
  let taps = onnx.node('Reshape', [product, onnx.int64s([outChannels, rows, columns, inChannels])]);
  if (rows !== kernel[0] || columns !== kernel[1]) {
    const [start, end] = [onnx.int64s([0, 0]), onnx.int64s([kernel[0], spanX])];
    const steps = onnx.int64s([1, geometry.dilation[1]]);
    taps = onnx.node('Slice', [taps, start, end, onnx.int64s([1, 2]), steps]);
  }
  return onnx.node('Transpose', [taps], { perm: ints([0, 3, 1, 2]) });
}
