import { GraphError } from '../../errors.js';
import { int, ints, type OnnxAttribute } from '../../onnx/emitter.js';
import { elementCount, extentOf, sameShape } from '../../shape.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../../tensor.js';
import { reduceSum } from '../reduce.js';
import { reshape } from '../shape.js';
import { convFilterGradient } from './filter-gradient.js';
import {
  type Conv2dOptions,
  type ConvGeometry,
  convExtents,
  convGeometry,
  convOutputSize,
  sizeOf,
} from './geometry.js';
import { forEachProduct } from './reference.js';
import { convInputGradient } from './transpose2d.js';

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

/** The attributes that ONNX's Conv reads. */
export function convAttributes(geometry: ConvGeometry): Record<string, OnnxAttribute> {
  return {
    strides: ints(geometry.stride),
    pads: ints(geometry.pads),
    dilations: ints(geometry.dilation),
    group: int(geometry.groups),
  };
}

/**
 * Convolution in the layouts of `torch.nn.Conv2d`: x [batch, in, height, width], weight [out, in / groups, kernelHeight,
 * kernelWidth], bias [out] -> [batch, out, floor((height + padding - span) / stride) + 1, ...].
 * @throws GraphError `shape_mismatch`, `invalid_attribute` or `dtype_mismatch`.
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  options: Conv2dOptions & { readonly bias?: Tensor | undefined } = {},
): Tensor {
  return applyConv2d(x, weight, options.bias, convGeometry(options));
}

/** {@link conv2d} with a geometry that is already complete. */
export function applyConv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  geometry: ConvGeometry,
): Tensor {
  return apply(conv2dRecord, bias === undefined ? [x, weight] : [x, weight, bias], geometry);
}
