import { GraphError } from '../errors.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../tensor.js';
import { mul } from './elementwise.js';

interface Range {
  readonly low: number;
  readonly high: number;
}

const clampRecord: OpRecord<Range> = {
  name: 'clamp',
  infer: (inputs) => {
    requireDtype(at(inputs, 0), 'float32', 'clamp');
    return { shape: at(inputs, 0).shape, dtype: 'float32' };
  },
  gradient: ({ inputs, attributes }, g) => [mul(g, apply(insideRecord, [at(inputs, 0)], attributes))],
  lower: ({ attributes: { low, high } }, inputs, onnx) =>
    onnx.node('Clip', [at(inputs, 0), onnx.float(low), onnx.float(high)]),
  evaluate: ({ attributes: { low, high } }, inputs) =>
    at(inputs, 0).data.map((x) => Math.min(Math.max(x, low), high)),
};

/** 1 where x lies within the range, 0 elsewhere: the slope of clamp. Flat, so nothing flows through it. */
const insideRecord: OpRecord<Range> = {
  name: 'insideRange',
  infer: (inputs) => at(inputs, 0),
  gradient: () => [undefined],
  lower: ({ attributes: { low, high } }, inputs, onnx) => {
    const x = at(inputs, 0);
    const isInside = onnx.node('And', [
      onnx.node('GreaterOrEqual', [x, onnx.float(low)]),
      onnx.node('LessOrEqual', [x, onnx.float(high)]),
    ]);
    return onnx.node('Cast', [isInside], { to: { kind: 'int', value: 1 } });
  },
  evaluate: ({ attributes: { low, high } }, inputs) =>
    at(inputs, 0).data.map((x) => Number(x >= low && x <= high)),
};

/**
 * x where it lies within low..high, else the nearer end. Its gradient is that of x inside and 0 outside.
 * @throws GraphError `invalid_attribute` unless low <= high.
 */
export function clamp(x: Tensor, low: number, high: number): Tensor {
  if (!(low <= high))
    throw new GraphError('invalid_attribute', `clamp needs low <= high, got ${low} and ${high}`);
  return apply(clampRecord, [x], { low, high });
}
