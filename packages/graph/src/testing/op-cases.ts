import {
  add,
  broadcastTo,
  concat,
  constant,
  crossEntropy,
  div,
  erf,
  exp,
  gatherRows,
  gelu,
  input,
  layerNorm,
  log,
  matmul,
  mul,
  neg,
  orthogonalize,
  padZeros,
  parameter,
  Random,
  reciprocal,
  reduceSum,
  reshape,
  rmsNorm,
  rope,
  ropeTables,
  type Shape,
  scatterAddRows,
  sigmoid,
  silu,
  slice,
  softmax,
  sqrt,
  sub,
  sumAll,
  type Tensor,
  tanh,
  tokenCrossEntropy,
  transpose,
} from '../index.js';
import { elementCount } from '../shape.js';
import { IMAGE_SPECS } from './op-cases-image.js';

/** An expression over parameters, with values at which it is tested. */
export interface OpCase {
  readonly name: string;
  /** A scalar: the expression weighted with fixed random numbers, so that no gradient is zero by symmetry. */
  readonly loss: Tensor;
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly feeds: Readonly<Record<string, Float32Array | Int32Array>>;
}

export interface CaseSpec {
  readonly name: string;
  readonly shapes: readonly Shape[];
  /** Whole-number inputs by name. */
  readonly indices?: Readonly<Record<string, readonly number[]>>;
  /** Real inputs by name that nothing flows to. */
  readonly inputs?: Readonly<Record<string, readonly number[]>>;
  /** Values are drawn around this number; 2 keeps logarithms, roots and quotients away from 0. */
  readonly centre?: number;
  build(operands: readonly Tensor[], index: (name: string) => Tensor): Tensor;
}

/** One case or more for every operation; the last ones are networks in small. */
export function opCases(): OpCase[] {
  return [...SPECS, ...IMAGE_SPECS].map(caseOf);
}

const first = (operands: readonly Tensor[]): Tensor => operands[0] as Tensor;
const second = (operands: readonly Tensor[]): Tensor => operands[1] as Tensor;
const third = (operands: readonly Tensor[]): Tensor => operands[2] as Tensor;
const unary = (name: string, op: (x: Tensor) => Tensor, centre = 0): CaseSpec => ({
  name,
  shapes: [[3, 4]],
  centre,
  build: (operands) => op(first(operands)),
});
const binary = (name: string, op: (a: Tensor, b: Tensor) => Tensor, a: Shape, b: Shape): CaseSpec => ({
  name: `${name} [${a}] [${b}]`,
  shapes: [a, b],
  centre: 2,
  build: (operands) => op(first(operands), second(operands)),
});

const SPECS: readonly CaseSpec[] = [
  binary('add', add, [3, 4], [3, 4]),
  binary('add', add, [2, 1, 4], [3, 1]),
  binary('sub', sub, [3, 4], [4]),
  binary('mul', mul, [3, 1], [2, 3, 4]),
  binary('mul', mul, [], [2, 3]),
  binary('div', div, [3, 4], [3, 1]),
  unary('neg', neg),
  unary('exp', exp),
  unary('log', log, 3),
  unary('sqrt', sqrt, 3),
  unary('reciprocal', reciprocal, 3),
  unary('sigmoid', sigmoid),
  unary('tanh', tanh),
  unary('erf', erf),
  unary('erf far from 0', erf, 3.2),
  unary('silu', silu),
  unary('gelu', gelu),
  unary('softmax', softmax),
  unary('softmax of large values', (x) => softmax(add(x, constant(Float32Array.of(500, 0, 499, 0), [4])))),
  unary('reduceSum of one axis', (x) => reduceSum(x, [0])),
  unary('reduceSum of all', sumAll),
  unary('reshape', (x) => reshape(x, [2, 6])),
  unary('transpose', (x) => transpose(x, [1, 0])),
  unary('slice', (x) => slice(x, -1, 1, 3)),
  unary('padZeros', (x) => padZeros(x, 0, 1, 2)),
  unary('broadcastTo', (x) => broadcastTo(reshape(x, [3, 1, 4]), [2, 3, 5, 4])),
  unary('a value used twice', (x) => mul(x, add(x, sigmoid(x)))),
  { name: 'transpose of four axes', shapes: [[2, 3, 4, 2]], build: (o) => transpose(first(o), [0, 2, 3, 1]) },
  {
    name: 'concat',
    shapes: [
      [2, 3],
      [2, 1],
      [2, 2],
    ],
    build: (o) => concat(o, 1),
  },
  ...[false, true].flatMap((transposeA) =>
    [false, true].map(
      (transposeB): CaseSpec => ({
        name: `matmul ${transposeA} ${transposeB}`,
        shapes: [transposeA ? [4, 3] : [3, 4], transposeB ? [2, 4] : [4, 2]],
        build: (o) => matmul(first(o), second(o), { transposeA, transposeB }),
      }),
    ),
  ),
  ...[false, true].flatMap((transposeA) =>
    [false, true].map(
      (transposeB): CaseSpec => ({
        name: `batched matmul ${transposeA} ${transposeB}`,
        shapes: [transposeA ? [2, 2, 4, 3] : [2, 2, 3, 4], transposeB ? [2, 2, 5, 4] : [2, 2, 4, 5]],
        build: (o) => matmul(first(o), second(o), { transposeA, transposeB }),
      }),
    ),
  ),
  {
    name: 'gatherRows with repeats',
    shapes: [[5, 3]],
    indices: { rows: [4, 0, 4, 2] },
    build: (o, index) => gatherRows(first(o), reshape(index('rows'), [2, 2])),
  },
  {
    name: 'scatterAddRows with repeats',
    shapes: [[4, 3]],
    indices: { rows: [1, 1, 0, 1] },
    build: (o, index) => scatterAddRows(first(o), index('rows'), 3),
  },
  {
    name: 'tokenCrossEntropy',
    shapes: [[4, 5]],
    indices: { labels: [0, 4, 2, 2] },
    build: (o, index) => tokenCrossEntropy(first(o), index('labels')),
  },
  {
    name: 'crossEntropy',
    shapes: [[4, 5]],
    indices: { labels: [1, 0, 3, 3] },
    build: (o, index) => crossEntropy(first(o), index('labels')),
  },
  { name: 'rope', shapes: [[2, 3, 4]], build: (o) => rope(first(o), ropeTables(3, 4, 100)) },
  { name: 'rmsNorm', shapes: [[3, 4], [4]], centre: 1, build: (o) => rmsNorm(first(o), second(o), 1e-5) },
  {
    name: 'layerNorm',
    shapes: [[3, 4], [4], [4]],
    centre: 1,
    build: (o) => layerNorm(first(o), second(o), third(o), 1e-5),
  },
  { name: 'orthogonalize', shapes: [[3, 5]], build: (o) => orthogonalize(first(o)) },
  {
    name: 'attention in small',
    shapes: [
      [3, 4],
      [4, 4],
      [4, 4],
    ],
    build: (o) => {
      const scores = matmul(matmul(first(o), second(o)), matmul(first(o), third(o)), { transposeB: true });
      return matmul(softmax(scores), first(o));
    },
  },
];

function caseOf(spec: CaseSpec, position: number): OpCase {
  const { name, shapes, indices = {}, inputs = {}, centre = 0, build } = spec;
  const random = new Random(1000 + position);
  const normal = (shape: Shape, around: number): Float32Array =>
    Float32Array.from({ length: elementCount(shape) }, () => around + 0.5 * random.normal());
  const parameters = new Map(shapes.map((shape, k) => [`p${k}`, parameter(`p${k}`, shape)]));
  const result = build([...parameters.values()], (key) => input(key, [indices[key]?.length ?? 0], 'int32'));
  const weights = constant(normal(result.shape, 1), result.shape);
  const feeds: Record<string, Float32Array | Int32Array> = {};
  for (const [key, tensor] of parameters) feeds[key] = normal(tensor.shape, centre);
  for (const [key, values] of Object.entries(indices)) feeds[key] = Int32Array.from(values);
  for (const [key, values] of Object.entries(inputs)) feeds[key] = Float32Array.from(values);
  return { name, loss: sumAll(mul(result, weights)), parameters, feeds };
}
