import { GraphError } from '../errors.js';
import { int } from '../onnx/emitter.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../tensor.js';
import { mul } from './elementwise.js';

interface Bounds {
  readonly low: number;
  readonly high: number;
}

const clampRecord: OpRecord<Bounds> = {
  name: 'clamp',
  infer: (inputs, { low, high }) => {
    requireDtype(at(inputs, 0), 'float32', 'clamp');
    if (!(low <= high)) throw new GraphError('invalid_attribute', `clamp to ${low}..${high} is empty`);
    return { shape: at(inputs, 0).shape, dtype: 'float32' };
  },
  gradient: ({ inputs, attributes }, g) => [mul(g, apply(insideRecord, inputs, attributes))],
  lower: ({ attributes: { low, high } }, inputs, onnx) =>
    onnx.node('Clip', [at(inputs, 0), onnx.float(low), onnx.float(high)]),
  evaluate: ({ attributes: { low, high } }, inputs) =>
    at(inputs, 0).data.map((value) => Math.min(high, Math.max(low, value))),
};

/** 1 where a value lies within the bounds, 0 elsewhere. Constant almost everywhere, so nothing flows back. */
const insideRecord: OpRecord<Bounds> = {
  name: 'inside',
  infer: (inputs) => ({ shape: at(inputs, 0).shape, dtype: 'float32' }),
  gradient: () => [undefined],
  lower: ({ attributes: { low, high } }, inputs, onnx) => {
    const isAbove = onnx.node('GreaterOrEqual', [at(inputs, 0), onnx.float(low)]);
    const isBelow = onnx.node('LessOrEqual', [at(inputs, 0), onnx.float(high)]);
    return onnx.node('Cast', [onnx.node('And', [isAbove, isBelow])], { to: int(1) });
  },
  evaluate: ({ attributes: { low, high } }, inputs) =>
    at(inputs, 0).data.map((value) => Number(value >= low && value <= high)),
};

/**
 * Values below `low` become `low`, those above `high` become `high`. The gradient flows where nothing was cut.
 * @throws GraphError `invalid_attribute` if `low` is greater than `high`.
 */
export function clamp(x: Tensor, low: number, high: number): Tensor {
  return apply(clampRecord, [x], { low, high });
}
