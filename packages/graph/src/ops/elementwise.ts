import { broadcastShapes, elementCount } from '../shape.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../tensor.js';
import { scalar } from './leaf.js';
import { broadcastIndex, sumTo } from './reduce.js';

interface BinaryRule {
  readonly name: string;
  readonly onnxName: string;
  value(a: number, b: number): number;
  /** Gradients before they are summed down to the operands' shapes. */
  gradient(a: Tensor, b: Tensor, g: Tensor, result: Tensor): readonly [Tensor, Tensor];
}

function binaryRecord(rule: BinaryRule): OpRecord<null> {
  return {
    name: rule.name,
    infer: (inputs) => {
      for (const operand of inputs) requireDtype(operand, 'float32', rule.name);
      return { shape: broadcastShapes(at(inputs, 0).shape, at(inputs, 1).shape), dtype: 'float32' };
    },
    gradient: ({ inputs, output }, g) => {
      const a = at(inputs, 0);
      const b = at(inputs, 1);
      const [toA, toB] = rule.gradient(a, b, g, output);
      return [sumTo(toA, a.shape), sumTo(toB, b.shape)];
    },
    lower: (_call, inputs, onnx) => onnx.node(rule.onnxName, inputs),
    evaluate: ({ output }, inputs) => {
      const a = at(inputs, 0);
      const b = at(inputs, 1);
      const indexA = broadcastIndex(output.shape, a.shape);
      const indexB = broadcastIndex(output.shape, b.shape);
      return Float64Array.from({ length: elementCount(output.shape) }, (_, index) =>
        rule.value(a.data[indexA(index)] ?? Number.NaN, b.data[indexB(index)] ?? Number.NaN),
      );
    },
  };
}

const addRecord = binaryRecord({
  name: 'add',
  onnxName: 'Add',
  value: (a, b) => a + b,
  gradient: (_a, _b, g) => [g, g],
});
const subRecord = binaryRecord({
  name: 'sub',
  onnxName: 'Sub',
  value: (a, b) => a - b,
  gradient: (_a, _b, g) => [g, neg(g)],
});
const mulRecord = binaryRecord({
  name: 'mul',
  onnxName: 'Mul',
  value: (a, b) => a * b,
  gradient: (a, b, g) => [mul(g, b), mul(g, a)],
});
const divRecord = binaryRecord({
  name: 'div',
  onnxName: 'Div',
  value: (a, b) => a / b,
  gradient: (_a, b, g, result) => [div(g, b), neg(div(mul(g, result), b))],
});

/** a + b with broadcasting. */
export const add = (a: Tensor, b: Tensor): Tensor => apply(addRecord, [a, b], null);
/** a - b with broadcasting. */
export const sub = (a: Tensor, b: Tensor): Tensor => apply(subRecord, [a, b], null);
/** a * b with broadcasting. */
export const mul = (a: Tensor, b: Tensor): Tensor => apply(mulRecord, [a, b], null);
/** a / b with broadcasting. */
export const div = (a: Tensor, b: Tensor): Tensor => apply(divRecord, [a, b], null);
/** x times a number. */
export const scale = (x: Tensor, factor: number): Tensor => mul(x, scalar(factor));

interface UnaryRule {
  readonly name: string;
  readonly onnxName: string;
  value(x: number): number;
  gradient(x: Tensor, g: Tensor, result: Tensor): Tensor;
}

function unaryRecord(rule: UnaryRule): OpRecord<null> {
  return {
    name: rule.name,
    infer: (inputs) => {
      requireDtype(at(inputs, 0), 'float32', rule.name);
      return { shape: at(inputs, 0).shape, dtype: 'float32' };
    },
    gradient: ({ inputs, output }, g) => [rule.gradient(at(inputs, 0), g, output)],
    lower: (_call, inputs, onnx) => onnx.node(rule.onnxName, inputs),
    evaluate: (_call, inputs) => at(inputs, 0).data.map(rule.value),
  };
}

const negRecord = unaryRecord({
  name: 'neg',
  onnxName: 'Neg',
  value: (x) => -x,
  gradient: (_x, g) => neg(g),
});
const expRecord = unaryRecord({
  name: 'exp',
  onnxName: 'Exp',
  value: Math.exp,
  gradient: (_x, g, result) => mul(g, result),
});
const logRecord = unaryRecord({
  name: 'log',
  onnxName: 'Log',
  value: Math.log,
  gradient: (x, g) => div(g, x),
});
const sqrtRecord = unaryRecord({
  name: 'sqrt',
  onnxName: 'Sqrt',
  value: Math.sqrt,
  gradient: (_x, g, result) => div(scale(g, 0.5), result),
});
const reciprocalRecord = unaryRecord({
  name: 'reciprocal',
  onnxName: 'Reciprocal',
  value: (x) => 1 / x,
  gradient: (_x, g, result) => neg(mul(g, mul(result, result))),
});
const sigmoidRecord = unaryRecord({
  name: 'sigmoid',
  onnxName: 'Sigmoid',
  value: (x) => 1 / (1 + Math.exp(-x)),
  gradient: (_x, g, result) => mul(g, mul(result, sub(scalar(1), result))),
});
const tanhRecord = unaryRecord({
  name: 'tanh',
  onnxName: 'Tanh',
  value: Math.tanh,
  gradient: (_x, g, result) => mul(g, sub(scalar(1), mul(result, result))),
});
const sinRecord = unaryRecord({
  name: 'sin',
  onnxName: 'Sin',
  value: Math.sin,
  gradient: (x, g) => mul(g, cos(x)),
});
const cosRecord = unaryRecord({
  name: 'cos',
  onnxName: 'Cos',
  value: Math.cos,
  gradient: (x, g) => neg(mul(g, sin(x))),
});
const erfRecord = unaryRecord({
  name: 'erf',
  onnxName: 'Erf',
  value: erfValue,
  gradient: (x, g) => mul(g, scale(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
});

export const neg = (x: Tensor): Tensor => apply(negRecord, [x], null);
export const exp = (x: Tensor): Tensor => apply(expRecord, [x], null);
export const log = (x: Tensor): Tensor => apply(logRecord, [x], null);
export const sqrt = (x: Tensor): Tensor => apply(sqrtRecord, [x], null);
export const reciprocal = (x: Tensor): Tensor => apply(reciprocalRecord, [x], null);
export const sigmoid = (x: Tensor): Tensor => apply(sigmoidRecord, [x], null);
export const tanh = (x: Tensor): Tensor => apply(tanhRecord, [x], null);
/** Sine of an angle in radians. */
export const sin = (x: Tensor): Tensor => apply(sinRecord, [x], null);
/** Cosine of an angle in radians. */
export const cos = (x: Tensor): Tensor => apply(cosRecord, [x], null);
/** The Gauss error function. */
export const erf = (x: Tensor): Tensor => apply(erfRecord, [x], null);

/**
 * erf in float64 by its Maclaurin series for small arguments and the continued fraction of erfc for large ones
 * (Abramowitz and Stegun 7.1.5 and 7.1.14).
 */
export function erfValue(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < 3) {
    let term = magnitude;
    let sum = magnitude;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= -(magnitude * magnitude) / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * sum * (2 / Math.sqrt(Math.PI));
  }
  let fraction = magnitude;
  for (let n = 60; n >= 1; n--) fraction = magnitude + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-magnitude * magnitude) / (fraction * Math.sqrt(Math.PI)));
}
