import { GraphError } from '../errors.js';
import { int, string } from '../onnx/emitter.js';
import { elementCount, extentOf } from '../shape.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../tensor.js';
import { mul, scale, sub } from './elementwise.js';
import { reduceSum, sumAll } from './reduce.js';
import { reshape } from './shape.js';

const softmaxRecord: OpRecord<null> = {
  name: 'softmax',
  infer: (inputs) => {
    requireDtype(at(inputs, 0), 'float32', 'softmax');
    return { shape: at(inputs, 0).shape, dtype: 'float32' };
  },
  // dx = y (g - sum(g y))
  gradient: ({ output }, g) => [mul(output, sub(g, reduceSum(mul(g, output), [-1])))],
  lower: (_call, inputs, onnx) => onnx.node('Softmax', inputs, { axis: int(-1) }),
  evaluate: (_call, inputs) => {
    const { data, shape } = at(inputs, 0);
    const result = data.slice();
    forEachRow(result, extentOf(shape, -1), (row) => {
      const logSum = logSumExp(row);
      row.forEach((value, k) => {
        row[k] = Math.exp(value - logSum);
      });
    });
    return result;
  },
};

/** Softmax over the last axis. */
export function softmax(x: Tensor): Tensor {
  return apply(softmaxRecord, [x], null);
}

const tokenLossRecord: OpRecord<null> = {
  name: 'tokenCrossEntropy',
  infer: (inputs) => {
    const [logits, labels] = [at(inputs, 0), at(inputs, 1)];
    requireDtype(logits, 'float32', 'tokenCrossEntropy');
    requireDtype(labels, 'int32', 'tokenCrossEntropy');
    if (logits.shape.length !== 2 || labels.shape.length !== 1 || logits.shape[0] !== labels.shape[0]) {
      throw new GraphError(
        'shape_mismatch',
        `tokenCrossEntropy needs logits [n, classes] and labels [n], got [${logits.shape}] and [${labels.shape}]`,
      );
    }
    return { shape: labels.shape, dtype: 'float32' };
  },
  gradient: ({ inputs }, g) => {
    const [logits, labels] = [at(inputs, 0), at(inputs, 1)];
    return [apply(tokenLossGradientRecord, [softmax(logits), labels, g], null), undefined];
  },
  lower: ({ inputs: [, labels] }, inputs, onnx) => {
    const count = extentOf(labels?.shape ?? [], 0);
    const logProbabilities = onnx.node('LogSoftmax', [at(inputs, 0)], { axis: int(-1) });
    const column = onnx.node('Reshape', [at(inputs, 1), onnx.int64s([count, 1])]);
    const picked = onnx.node('GatherElements', [logProbabilities, column], { axis: int(1) });
    return onnx.node('Neg', [onnx.node('Reshape', [picked, onnx.int64s([count])])]);
  },
  evaluate: (_call, inputs) => {
    const [logits, labels] = [at(inputs, 0), at(inputs, 1)];
    const classes = extentOf(logits.shape, 1);
    return labels.data.map((label, row) => {
      const values = logits.data.subarray(row * classes, (row + 1) * classes);
      return logSumExp(values) - (values[label] ?? Number.NaN);
    });
  },
};

/** (probabilities - oneHot(labels)) * g: what flows to the logits. Not differentiable again. */
const tokenLossGradientRecord: OpRecord<null> = {
  name: 'tokenCrossEntropyGradient',
  infer: (inputs) => at(inputs, 0),
  gradient: () => {
    throw new GraphError('not_differentiable', 'second derivatives of tokenCrossEntropy are not supported');
  },
  lower: ({ inputs: [probabilities] }, inputs, onnx) => {
    const count = extentOf(probabilities?.shape ?? [], 0);
    const column = onnx.int64s([count, 1]);
    const minusOnes = onnx.node('Expand', [onnx.float(-1), column]);
    const difference = onnx.node(
      'ScatterElements',
      [at(inputs, 0), onnx.node('Reshape', [at(inputs, 1), column]), minusOnes],
      { axis: int(1), reduction: string('add') },
    );
    return onnx.node('Mul', [difference, onnx.node('Reshape', [at(inputs, 2), column])]);
  },
  evaluate: (_call, inputs) => {
    const [probabilities, labels, g] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const classes = extentOf(probabilities.shape, 1);
    return probabilities.data.map((p, index) => {
      const row = Math.floor(index / classes);
      return (p - Number(labels.data[row] === index % classes)) * (g.data[row] ?? Number.NaN);
    });
  },
};

/** Negative log-likelihood in nats of each label: logits [n, classes], int32 labels [n] -> [n]. */
export function tokenCrossEntropy(logits: Tensor, labels: Tensor): Tensor {
  return apply(tokenLossRecord, [logits, labels], null);
}

/** Mean of {@link tokenCrossEntropy} over all rows: a scalar. */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const losses = tokenCrossEntropy(logits, labels);
  return scale(sumAll(reshape(losses, losses.shape)), 1 / elementCount(losses.shape));
}

function logSumExp(values: Float64Array): number {
  const peak = values.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY);
  return peak + Math.log(values.reduce((sum, value) => sum + Math.exp(value - peak), 0));
}

function forEachRow(data: Float64Array, width: number, visit: (row: Float64Array) => void): void {
  for (let start = 0; start < data.length; start += width) visit(data.subarray(start, start + width));
}
