import { GraphError } from '../../errors.js';
import { elementCount, extentOf, sameShape } from '../../shape.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../../tensor.js';
import { reduceSum } from '../reduce.js';
import { reshape } from '../shape.js';
import { type ConvGeometry, convExtents, convOutputSize, sizeOf } from './geometry.js';
import { convAttributes } from './lower.js';
import { lowerFilterGradient } from './lower-filter.js';
import { lowerTranspose } from './lower-transpose.js';
import { forEachProduct } from './reference.js';

// A convolution is linear in its image and in its weight. It and the two transposes of these maps form a closed set:
// each one's gradients are the two others.

const conv2dRecord: OpRecord<ConvGeometry> = {
  name: 'conv2d',
  infer: (inputs, geometry) => {
    const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), inputs[2]];
    for (const operand of inputs) requireDtype(operand, 'float32', 'conv2d');
    const isRank4 = x.shape.length === 4 && weight.shape.length === 4;
    const size = isRank4 ? convOutputSize(sizeOf(x.shape), sizeOf(weight.shape), geometry) : [];
    const shape = isRank4 ? [extentOf(x.shape, 0), extentOf(weight.shape, 0), ...size] : [];
    convExtents('conv2d', x.shape, weight.shape, shape, geometry);
    if (bias !== undefined && !sameShape(bias.shape, weight.shape.slice(0, 1))) {
      throw new GraphError('shape_mismatch', `conv2d needs a bias [${weight.shape[0]}], got [${bias.shape}]`);
    }
    return { shape, dtype: 'float32' };
  },
  gradient: ({ inputs, attributes }, g) => {
    const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), inputs[2]];
    const toInputs = [
      convInputGradient(g, weight, attributes, sizeOf(x.shape)),
      convFilterGradient(x, g, attributes, sizeOf(weight.shape)),
    ];
    return bias === undefined ? toInputs : [...toInputs, reshape(reduceSum(g, [0, 2, 3]), bias.shape)];
  },
  lower: ({ attributes }, inputs, onnx) => onnx.node('Conv', inputs, convAttributes(attributes)),
  evaluate: ({ inputs: [x, weight], output, attributes }, values) => {
    const extents = convExtents('conv2d', x?.shape ?? [], weight?.shape ?? [], output.shape, attributes);
    const [image, kernel, bias] = [at(values, 0).data, at(values, 1).data, values[2]?.data];
    const result = new Float64Array(elementCount(output.shape));
    const area = extents.out[0] * extents.out[1];
    if (bias !== undefined) {
      for (let k = 0; k < result.length; k++) result[k] = bias[Math.floor(k / area) % bias.length] ?? 0;
    }
    forEachProduct(extents, attributes, (y, from, tap) => {
      result[y] = (result[y] ?? 0) + (image[from] ?? 0) * (kernel[tap] ?? 0);
    });
    return result;
  },
};

/** {@link conv2d} with a geometry that is already complete. */
export function applyConv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  geometry: ConvGeometry,
): Tensor {
  return apply(conv2dRecord, bias === undefined ? [x, weight] : [x, weight, bias], geometry);
}

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
    return lowerTranspose(extents, attributes, [at(inputs, 0), at(inputs, 1)], onnx);
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

/** What flows to the image of a convolution when `g` flows to its result. `size`: the image's height and width. */
export function convInputGradient(
  g: Tensor,
  weight: Tensor,
  geometry: ConvGeometry,
  size: readonly [number, number],
): Tensor {
  return apply(convTranspose2dRecord, [g, weight], { ...geometry, size });
}

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
    return lowerFilterGradient(extents, attributes, [at(inputs, 0), at(inputs, 1)], onnx);
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

/** What flows to the weight of a convolution of `x` when `g` flows to its result. `kernel`: its height and width. */
export function convFilterGradient(
  x: Tensor,
  g: Tensor,
  geometry: ConvGeometry,
  kernel: readonly [number, number],
): Tensor {
  return apply(convFilterGradientRecord, [x, g], { ...geometry, kernel });
}
