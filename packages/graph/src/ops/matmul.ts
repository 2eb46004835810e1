import { GraphError } from '../errors.js';
import { int } from '../onnx/emitter.js';
import { elementCount, extentOf, sameShape } from '../shape.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../tensor.js';
import { add } from './elementwise.js';
import { reshape } from './shape.js';

/** Which operand is read with its last two axes swapped. */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

type MatmulAttributes = Required<MatmulOptions>;

const matmulRecord: OpRecord<MatmulAttributes> = {
  name: 'matmul',
  infer: (inputs, { transposeA, transposeB }) => {
    const a = at(inputs, 0);
    const b = at(inputs, 1);
    requireDtype(a, 'float32', 'matmul');
    requireDtype(b, 'float32', 'matmul');
    const batchAgrees = a.shape.length >= 2 && sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const innerA = extentOf(a.shape, transposeA ? -2 : -1);
    const innerB = extentOf(b.shape, transposeB ? -1 : -2);
    if (!batchAgrees || a.shape.length !== b.shape.length || innerA !== innerB) {
      throw new GraphError(
        'shape_mismatch',
        `matmul of [${a.shape}]${transposeA ? ' (transposed)' : ''} and [${b.shape}]${transposeB ? ' (transposed)' : ''}: ` +
          'leading axes and the inner axis must agree',
      );
    }
    const rows = extentOf(a.shape, transposeA ? -1 : -2);
    const columns = extentOf(b.shape, transposeB ? -2 : -1);
    return { shape: [...a.shape.slice(0, -2), rows, columns], dtype: 'float32' };
  },
  // C = op(A) op(B): dOp(A) = G op(B)^T and dOp(B) = op(A)^T G, then undo op.
  gradient: ({ inputs, attributes: { transposeA, transposeB } }, g) => {
    const a = at(inputs, 0);
    const b = at(inputs, 1);
    const toA = transposeA
      ? matmul(b, g, { transposeA: transposeB, transposeB: true })
      : matmul(g, b, { transposeB: !transposeB });
    const toB = transposeB
      ? matmul(g, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, g, { transposeA: !transposeA });
    return [toA, toB];
  },
  lower: ({ output, attributes: { transposeA, transposeB } }, inputs, onnx) => {
    const [a, b] = [at(inputs, 0), at(inputs, 1)];
    const rank = output.shape.length;
    if (rank === 2) {
      return onnx.node('Gemm', [a, b], { transA: int(Number(transposeA)), transB: int(Number(transposeB)) });
    }
    // ONNX Runtime fuses these transposes into its matmul.
    const swap = { perm: { kind: 'ints', value: [...Array(rank - 2).keys(), rank - 1, rank - 2] } } as const;
    const left = transposeA ? onnx.node('Transpose', [a], swap) : a;
    const right = transposeB ? onnx.node('Transpose', [b], swap) : b;
    return onnx.node('MatMul', [left, right]);
  },
  evaluate: ({ output, attributes: { transposeA, transposeB } }, inputs) => {
    const a = at(inputs, 0);
    const b = at(inputs, 1);
    const rows = extentOf(output.shape, -2);
    const columns = extentOf(output.shape, -1);
    const inner = extentOf(a.shape, transposeA ? -2 : -1);
    const [rowA, innerA] = transposeA ? [1, rows] : [inner, 1];
    const [innerB, columnB] = transposeB ? [1, inner] : [columns, 1];
    const result = new Float64Array(elementCount(output.shape));
    for (let cell = 0; cell < result.length; cell++) {
      const batch = Math.floor(cell / (rows * columns));
      const startA = batch * rows * inner + (Math.floor(cell / columns) % rows) * rowA;
      const startB = batch * inner * columns + (cell % columns) * columnB;
      let sum = 0;
      for (let k = 0; k < inner; k++)
        sum += (a.data[startA + k * innerA] ?? 0) * (b.data[startB + k * innerB] ?? 0);
      result[cell] = sum;
    }
    return result;
  },
};

/** Matrix product over the last two axes, [..., M, K] x [..., K, N]; leading axes must be equal. */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  return apply(matmulRecord, [a, b], {
    transposeA: options.transposeA ?? false,
    transposeB: options.transposeB ?? false,
  });
}

/**
 * x [..., in] times weight [out, in] transposed, the layout of `nn.Linear`, plus bias [out]: [..., out].
 * @throws GraphError `shape_mismatch` if the inner axes or the bias do not fit.
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const rows = elementCount(x.shape) / extentOf(x.shape, -1);
  const product = matmul(reshape(x, [rows, extentOf(x.shape, -1)]), weight, { transposeB: true });
  const width = extentOf(product.shape, 1);
  if (bias !== undefined && !sameShape(bias.shape, [width])) {
    throw new GraphError('shape_mismatch', `linear needs a bias [${width}], got [${bias.shape}]`);
  }
  const y = bias === undefined ? product : add(product, bias);
  return reshape(y, [...x.shape.slice(0, -1), width]);
}
