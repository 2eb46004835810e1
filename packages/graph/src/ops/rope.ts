import { GraphError } from '../errors.js';
import { int } from '../onnx/emitter.js';
import { extentOf, sameShape } from '../shape.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../tensor.js';
import { neg } from './elementwise.js';
import { constant } from './leaf.js';
import { broadcastIndex } from './reduce.js';

const rotateHalvesRecord: OpRecord<null> = {
  name: 'rotateHalves',
  infer: (inputs) => {
    const [x, cos, sin] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    for (const operand of inputs) requireDtype(operand, 'float32', 'rotateHalves');
    const fits = sameShape(cos.shape, sin.shape) && sameShape(cos.shape, x.shape.slice(-2));
    if (!fits || extentOf(x.shape, -1) % 2 !== 0) {
      throw new GraphError(
        'shape_mismatch',
        `rotateHalves needs x [..., tokens, even width] and tables [tokens, width], got [${x.shape}], [${cos.shape}], [${sin.shape}]`,
      );
    }
    return { shape: x.shape, dtype: 'float32' };
  },
  // A rotation's transpose is the rotation by the opposite angle.
  gradient: ({ inputs }, g) => [
    apply(rotateHalvesRecord, [g, at(inputs, 1), neg(at(inputs, 2))], null),
    undefined,
    undefined,
  ],
  lower: ({ output }, inputs, onnx) => {
    const [x, cos, sin] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const half = extentOf(output.shape, -1) / 2;
    const axis = onnx.int64s([output.shape.length - 1]);
    const first = onnx.node('Slice', [x, onnx.int64s([0]), onnx.int64s([half]), axis]);
    const second = onnx.node('Slice', [x, onnx.int64s([half]), onnx.int64s([2 * half]), axis]);
    const turned = onnx.node('Concat', [onnx.node('Neg', [second]), first], { axis: int(-1) });
    return onnx.node('Add', [onnx.node('Mul', [x, cos]), onnx.node('Mul', [turned, sin])]);
  },
  evaluate: ({ output }, inputs) => {
    const [x, cos, sin] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const width = extentOf(output.shape, -1);
    const half = width / 2;
    const tableIndex = broadcastIndex(output.shape, cos.shape);
    return x.data.map((value, index) => {
      const isFirst = index % width < half;
      const partner = (x.data[isFirst ? index + half : index - half] ?? Number.NaN) * (isFirst ? -1 : 1);
      const angle = tableIndex(index);
      return value * (cos.data[angle] ?? Number.NaN) + partner * (sin.data[angle] ?? Number.NaN);
    });
  },
};

/** Cosines and sines of rotary position embedding, each [tokens, headWidth], both halves equal. */
export interface RopeTables {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** Tables for positions 0..tokens-1: angle = position * theta^(-2k / headWidth) (Su et al. 2021, eq. 15). */
export function ropeTables(tokens: number, headWidth: number, theta: number): RopeTables {
  const cos = new Float32Array(tokens * headWidth);
  const sin = new Float32Array(tokens * headWidth);
  const half = headWidth / 2;
  for (let position = 0; position < tokens; position++) {
    for (let k = 0; k < headWidth; k++) {
      const angle = position * theta ** ((-2 * (k % half)) / headWidth);
      cos[position * headWidth + k] = Math.cos(angle);
      sin[position * headWidth + k] = Math.sin(angle);
    }
  }
  const shape = [tokens, headWidth];
  return { cos: constant(cos, shape), sin: constant(sin, shape) };
}

/** Rotates pairs (k, k + headWidth / 2) of x [..., tokens, headWidth]: the half-split order of transformers' llama. */
export function rope(x: Tensor, tables: RopeTables): Tensor {
  return apply(rotateHalvesRecord, [x, tables.cos, tables.sin], null);
}
