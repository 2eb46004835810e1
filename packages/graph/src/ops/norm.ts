import { GraphError } from '../errors.js';
import { float, int, type OnnxEmitter } from '../onnx/emitter.js';
import { elementCount, extentOf, sameShape } from '../shape.js';
import { apply, at, type OpRecord, type ReferenceValue, requireDtype, type Tensor } from '../tensor.js';
import { add, mul, neg, reciprocal, scale, sqrt, sub } from './elementwise.js';
import { scalar } from './leaf.js';
import { reduceSum } from './reduce.js';
import { reshape } from './shape.js';

interface NormAttributes {
  readonly epsilon: number;
}

/** Mean over the last axis, which stays as extent 1. */
export function meanLast(x: Tensor): Tensor {
  return scale(reduceSum(x, [-1]), 1 / extentOf(x.shape, -1));
}

/** x / sqrt(mean(x^2) + epsilon) * weight over the last axis (Zhang and Sennrich 2019, eq. 4). weight: [width]. */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  const inverseRms = reciprocal(sqrt(add(meanLast(mul(x, x)), scalar(epsilon))));
  return mul(mul(x, inverseRms), weight);
}

/** ONNX's LayerNormalization without weights: the values, and 1 / deviation of each row. One node for both. */
function standardizeNodes(
  x: string,
  width: number,
  epsilon: number,
  onnx: OnnxEmitter,
): readonly [values: string, inverseDeviation: string] {
  const ones = onnx.filled(1, width);
  const outputs = onnx.nodes('LayerNormalization', [x, ones], 3, { axis: int(-1), epsilon: float(epsilon) });
  return [at(outputs, 0), at(outputs, 2)];
}

const standardizeRecord: OpRecord<NormAttributes> = {
  name: 'standardize',
  infer: (inputs) => {
    requireDtype(at(inputs, 0), 'float32', 'standardize');
    return { shape: at(inputs, 0).shape, dtype: 'float32' };
  },
  // dx = r (g - mean(g) - y mean(g y)), r = 1 / deviation
  gradient: ({ inputs, output, attributes }, g) => {
    const r = inverseDeviation(at(inputs, 0), attributes.epsilon);
    return [mul(r, sub(sub(g, meanLast(g)), mul(output, meanLast(mul(g, output)))))];
  },
  lower: ({ output, attributes }, inputs, onnx) =>
    standardizeNodes(at(inputs, 0), extentOf(output.shape, -1), attributes.epsilon, onnx)[0],
  evaluate: ({ attributes }, inputs) => {
    const x = at(inputs, 0);
    const width = extentOf(x.shape, -1);
    const rows = rowMoments(x, attributes.epsilon);
    return x.data.map((value, k) => {
      const { mean, inverse } = at(rows, Math.floor(k / width));
      return (value - mean) * inverse;
    });
  },
};

/** (x - mean) / sqrt(variance + epsilon) over the last axis. */
export function standardize(x: Tensor, epsilon: number): Tensor {
  return apply(standardizeRecord, [x], { epsilon });
}

const inverseDeviationRecord: OpRecord<NormAttributes> = {
  name: 'inverseDeviation',
  infer: (inputs) => {
    requireDtype(at(inputs, 0), 'float32', 'inverseDeviation');
    return { shape: at(inputs, 0).shape.with(-1, 1), dtype: 'float32' };
  },
  // dr/dx = -r^2 y / width
  gradient: ({ inputs, output, attributes }, g) => {
    const x = at(inputs, 0);
    const perRow = scale(mul(g, mul(output, output)), 1 / extentOf(x.shape, -1));
    return [neg(mul(perRow, standardize(x, attributes.epsilon)))];
  },
  lower: ({ inputs: [x], attributes }, inputs, onnx) =>
    standardizeNodes(at(inputs, 0), extentOf(x?.shape ?? [], -1), attributes.epsilon, onnx)[1],
  evaluate: ({ attributes }, inputs) =>
    Float64Array.from(rowMoments(at(inputs, 0), attributes.epsilon), ({ inverse }) => inverse),
};

/** 1 / sqrt(variance + epsilon) over the last axis, which stays as extent 1. */
function inverseDeviation(x: Tensor, epsilon: number): Tensor {
  return apply(inverseDeviationRecord, [x], { epsilon });
}

const layerNormRecord: OpRecord<NormAttributes> = {
  name: 'layerNorm',
  infer: (inputs) => {
    const x = at(inputs, 0);
    for (const operand of inputs) requireDtype(operand, 'float32', 'layerNorm');
    for (const affine of inputs.slice(1)) {
      if (!sameShape(affine.shape, x.shape.slice(-1))) {
        throw new GraphError(
          'shape_mismatch',
          `layerNorm of [${x.shape}] needs weight and bias [${x.shape.at(-1)}], got [${affine.shape}]`,
        );
      }
    }
    return { shape: x.shape, dtype: 'float32' };
  },
  gradient: ({ inputs, attributes }, g) => {
    const [x, weight] = [at(inputs, 0), at(inputs, 1)];
    const y = standardize(x, attributes.epsilon);
    const flow = mul(g, weight);
    const toX = mul(
      inverseDeviation(x, attributes.epsilon),
      sub(sub(flow, meanLast(flow)), mul(y, meanLast(mul(flow, y)))),
    );
    const columns = x.shape.map((_, axis) => axis).slice(0, -1);
    const overRows = (value: Tensor): Tensor => reshape(reduceSum(value, columns), weight.shape);
    return [toX, overRows(mul(g, y)), overRows(g)];
  },
  lower: ({ attributes }, inputs, onnx) =>
    onnx.node('LayerNormalization', inputs, { axis: int(-1), epsilon: float(attributes.epsilon) }),
  evaluate: ({ attributes }, inputs) => {
    const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const width = extentOf(x.shape, -1);
    const rows = rowMoments(x, attributes.epsilon);
    return x.data.map((value, k) => {
      const { mean, inverse } = at(rows, Math.floor(k / width));
      return (value - mean) * inverse * (weight.data[k % width] ?? 0) + (bias.data[k % width] ?? 0);
    });
  },
};

/** (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis (Ba et al. 2016). weight, bias: [width]. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: number): Tensor {
  return apply(layerNormRecord, [x, weight, bias], { epsilon });
}

interface GroupNormAttributes extends NormAttributes {
  readonly groups: number;
}

const groupNormRecord: OpRecord<GroupNormAttributes> = {
  name: 'groupNorm',
  infer: (inputs, { groups }) => {
    const x = at(inputs, 0);
    for (const operand of inputs) requireDtype(operand, 'float32', 'groupNorm');
    const channels = extentOf(x.shape, 1);
    if (x.shape.length < 2 || !Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
      throw new GraphError('invalid_attribute', `groupNorm: ${groups} groups do not divide [${x.shape}]`);
    }
    for (const affine of inputs.slice(1)) {
      if (!sameShape(affine.shape, [channels])) {
        throw new GraphError(
          'shape_mismatch',
          `groupNorm of [${x.shape}] needs weight and bias [${channels}], got [${affine.shape}]`,
        );
      }
    }
    return { shape: x.shape, dtype: 'float32' };
  },
  // With y the standardised values, per image and group (m elements):
  // dx = r (w g - mean(w g) - y mean(w g y)). Sums over pixels come first, so that what follows is one number per channel.
  gradient: ({ inputs, attributes: { groups, epsilon } }, g) => {
    const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const [batch, channels] = [extentOf(x.shape, 0), extentOf(x.shape, 1)];
    const area = elementCount(x.shape) / (batch * channels);
    const [inGroup, perChannel] = [channels / groups, [batch, groups, channels / groups, 1]];
    const rows = reshape(x, [batch, groups, inGroup * area]);
    const flat = [batch, groups, inGroup, area];
    const y = reshape(standardize(rows, epsilon), flat);
    const r = reshape(inverseDeviation(rows, epsilon), [batch, groups, 1, 1]);
    const gradient = reshape(g, flat);
    const w = reshape(weight, [1, groups, inGroup, 1]);
    const sums = reduceSum(gradient, [-1]);
    const products = reduceSum(mul(gradient, y), [-1]);
    const meanOf = (perChannelSums: Tensor): Tensor =>
      scale(reduceSum(mul(perChannelSums, w), [2]), 1 / (inGroup * area));
    const slope = mul(r, meanOf(products));
    const offset = mul(r, meanOf(sums));
    const toX = sub(mul(gradient, mul(r, w)), add(mul(y, slope), offset));
    const overImages = (value: Tensor): Tensor =>
      reshape(reduceSum(reshape(value, perChannel), [0]), weight.shape);
    return [reshape(toX, x.shape), overImages(products), reshape(overImages(sums), bias.shape)];
  },
  lower: ({ output, attributes: { groups, epsilon } }, inputs, onnx) => {
    const [batch, channels] = [extentOf(output.shape, 0), extentOf(output.shape, 1)];
    const area = elementCount(output.shape) / (batch * channels);
    const width = (channels / groups) * area;
    const rows = onnx.node('Reshape', [at(inputs, 0), onnx.int64s([batch, groups, width])]);
    const [values] = standardizeNodes(rows, width, epsilon, onnx);
    const flat = onnx.node('Reshape', [values, onnx.int64s([batch, channels, area])]);
    const column = onnx.int64s([channels, 1]);
    const weight = onnx.node('Reshape', [at(inputs, 1), column]);
    const bias = onnx.node('Reshape', [at(inputs, 2), column]);
    const affine = onnx.node('Add', [onnx.node('Mul', [flat, weight]), bias]);
    return onnx.node('Reshape', [affine, onnx.int64s(output.shape)]);
  },
  evaluate: ({ attributes: { groups, epsilon } }, inputs) => {
    const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const [batch, channels] = [extentOf(x.shape, 0), extentOf(x.shape, 1)];
    const area = x.data.length / (batch * channels);
    const width = (channels / groups) * area;
    const rows = rowMoments({ data: x.data, shape: [batch * groups, width] }, epsilon);
    return x.data.map((value, k) => {
      const { mean, inverse } = at(rows, Math.floor(k / width));
      const channel = Math.floor(k / area) % channels;
      return (value - mean) * inverse * (weight.data[channel] ?? 0) + (bias.data[channel] ?? 0);
    });
  },
};

/**
 * Group normalisation (Wu and He 2018): standardises each image's channels group by group, then weight and bias per
 * channel. x [batch, channels, ...], weight and bias [channels]; the groups are runs of neighbouring channels.
 * @throws GraphError `invalid_attribute` if the groups do not divide the channels, `shape_mismatch`.
 */
export function groupNorm(x: Tensor, weight: Tensor, bias: Tensor, groups: number, epsilon: number): Tensor {
  return apply(groupNormRecord, [x, weight, bias], { groups, epsilon });
}

/** Mean and 1 / sqrt(variance + epsilon) of every row. */
function rowMoments({ data, shape }: ReferenceValue, epsilon: number): { mean: number; inverse: number }[] {
  const width = extentOf(shape, -1);
  return Array.from({ length: data.length / width }, (_, row) => {
    const values = data.subarray(row * width, (row + 1) * width);
    const mean = values.reduce((sum, value) => sum + value, 0) / width;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    return { mean, inverse: 1 / Math.sqrt(variance + epsilon) };
  });
}
