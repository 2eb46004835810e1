import { int, ints, type OnnxEmitter } from '../../onnx/emitter.js';
import { elementCount, extentOf } from '../../shape.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../../tensor.js';
import { applyConv2d, convAttributes } from './conv2d.js';
import { type ConvExtents, type ConvGeometry, convExtents, kernelSpan, sizeOf } from './geometry.js';
import { forEachProduct } from './reference.js';
import { convInputGradient } from './transpose2d.js';

interface FilterGradientAttributes extends ConvGeometry {
  readonly kernel: readonly [number, number];
}

const convFilterGradientRecord: OpRecord<FilterGradientAttributes> = {
  name: 'convFilterGradient',
  infer: (inputs, attributes) => {
    const [x, g] = [at(inputs, 0), at(inputs, 1)];
    for (const operand of inputs) requireDtype(operand, 'float32', 'convFilterGradient');
    const shape = [extentOf(g.shape, 1), extentOf(x.shape, 1) / attributes.groups, ...attributes.kernel];
    convExtents('convFilterGradient', x.shape, shape, g.shape, attributes);
    return { shape, dtype: 'float32' };
  },
  // Linear in the image and in the gradient, so what flows to them are the convolution's two other forms.
  gradient: ({ inputs, attributes }, v) => {
    const [x, g] = [at(inputs, 0), at(inputs, 1)];
    return [convInputGradient(g, v, attributes, sizeOf(x.shape)), applyConv2d(x, v, undefined, attributes)];
  },
  lower: ({ inputs: [x, g], output, attributes }, inputs, onnx) => {
    const extents = convExtents(
      'convFilterGradient',
      x?.shape ?? [],
      output.shape,
      g?.shape ?? [],
      attributes,
    );
    const { groups } = attributes;
    if (groups === 1) return lowerGroup(extents, attributes, at(inputs, 0), at(inputs, 1), onnx);
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
        { ...attributes, groups: 1 },
        part(at(inputs, 0), index, groupIn),
        part(at(inputs, 1), index, groupOut),
        onnx,
      ),
    );
    return onnx.node('Concat', parts, { axis: int(0) });
  },
  evaluate: ({ inputs: [x, g], output, attributes }, values) => {
    const extents = convExtents(
      'convFilterGradient',
      x?.shape ?? [],
      output.shape,
      g?.shape ?? [],
      attributes,
    );
    const [image, gradient] = [at(values, 0).data, at(values, 1).data];
    const result = new Float64Array(elementCount(output.shape));
    forEachProduct(extents, attributes, (y, from, tap) => {
      result[tap] = (result[tap] ?? 0) + (image[from] ?? 0) * (gradient[y] ?? 0);
    });
    return result;
  },
};

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

/** What flows to the weight of a convolution of `x` when `g` flows to its result. `kernel`: its height and width. */
export function convFilterGradient(
  x: Tensor,
  g: Tensor,
  geometry: ConvGeometry,
  kernel: readonly [number, number],
): Tensor {
  return apply(convFilterGradientRecord, [x, g], { ...geometry, kernel });
}
