import {
  attention,
  averagePool,
  type Conv2dOptions,
  type ConvTranspose2dOptions,
  clamp,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  cos,
  geglu,
  grad,
  groupNorm,
  input,
  linear,
  mul,
  pixelShuffle,
  pixelUnshuffle,
  quickGelu,
  type Shape,
  sin,
  split,
  standardize,
  sumAll,
  type Tensor,
  timestepEmbedding,
  upsampleNearest,
} from '../index.js';
import type { CaseSpec } from './op-cases.js';

const operand = (operands: readonly Tensor[], index: number): Tensor => operands[index] as Tensor;

const conv = (name: string, x: Shape, weight: Shape, options: Conv2dOptions): CaseSpec => ({
  name: `conv2d ${name}`,
  shapes: [x, weight, weight.slice(0, 1)],
  build: (o) => conv2d(operand(o, 0), operand(o, 1), { ...options, bias: operand(o, 2) }),
});

const transposed = (name: string, x: Shape, weight: Shape, options: ConvTranspose2dOptions): CaseSpec => ({
  name: `convTranspose2d ${name}`,
  shapes: [x, weight, [(weight[1] ?? 0) * (options.groups ?? 1)]],
  build: (o) => convTranspose2d(operand(o, 0), operand(o, 1), { ...options, bias: operand(o, 2) }),
});

/** The gradient with respect to the first operand, as an expression that is differentiated once more. */
const gradientOf = (y: Tensor, target: Tensor): Tensor =>
  operand(grad(sumAll(mul(y, mul(y, y))), [target]), 0);

/** Operations of image networks. */
export const IMAGE_SPECS: readonly CaseSpec[] = [
  conv('3x3', [2, 3, 5, 4], [4, 3, 3, 3], { padding: 1 }),
  conv('1x1', [2, 3, 4, 3], [5, 3, 1, 1], {}),
  conv('1x1 with stride 2', [2, 3, 5, 4], [4, 3, 1, 1], { stride: 2 }),
  conv('stride 2, padding 1', [2, 2, 6, 6], [3, 2, 3, 3], { stride: 2, padding: 1 }),
  conv('stride 2, padded below and to the right', [1, 2, 6, 4], [3, 2, 3, 3], {
    stride: 2,
    padding: { top: 0, left: 0, bottom: 1, right: 1 },
  }),
  conv('a last row and column that the stride leaves out', [1, 2, 7, 9], [2, 2, 2, 2], { stride: [2, 3] }),
  conv('dilation', [2, 2, 7, 6], [3, 2, 3, 2], { padding: [2, 1], dilation: [2, 3] }),
  conv('dilation and stride', [1, 2, 9, 10], [2, 2, 3, 3], { padding: 2, dilation: 2, stride: [3, 2] }),
  conv('two groups', [2, 4, 4, 4], [6, 2, 3, 3], { padding: 1, groups: 2 }),
  conv('as many groups as channels', [2, 3, 4, 4], [3, 1, 3, 3], { padding: 1, groups: 3 }),
  conv('more padding than kernel', [1, 2, 3, 3], [2, 2, 2, 2], { padding: [2, 3] }),
  conv('a patch per position', [2, 3, 4, 6], [5, 3, 2, 2], { stride: 2 }),
  transposed('stride 2', [2, 3, 3, 2], [3, 2, 4, 4], { stride: 2, padding: 1 }),
  transposed('stride 1', [2, 3, 4, 3], [3, 2, 3, 3], { padding: 1 }),
  transposed('output padding', [1, 2, 3, 3], [2, 3, 3, 3], { stride: 2, padding: 1, outputPadding: 1 }),
  transposed('two groups', [1, 4, 3, 3], [4, 2, 3, 3], { stride: [2, 1], groups: 2 }),
  {
    name: 'conv1d',
    shapes: [[2, 3, 8], [4, 3, 3], [4]],
    build: (o) =>
      conv1d(operand(o, 0), operand(o, 1), {
        bias: operand(o, 2),
        stride: 2,
        padding: [2, 0],
      }),
  },
  {
    name: 'convTranspose1d',
    shapes: [[2, 3, 4], [3, 2, 4], [2]],
    build: (o) =>
      convTranspose1d(operand(o, 0), operand(o, 1), {
        bias: operand(o, 2),
        stride: 2,
        padding: 1,
        outputPadding: 1,
      }),
  },
  {
    name: 'second derivatives of conv2d',
    shapes: [
      [1, 2, 4, 4],
      [2, 2, 3, 3],
    ],
    build: (o) => {
      const y = conv2d(operand(o, 0), operand(o, 1), { padding: 1, stride: 2 });
      return mul(gradientOf(y, operand(o, 0)), sumAll(gradientOf(y, operand(o, 1))));
    },
  },
  {
    name: 'groupNorm',
    shapes: [[2, 6, 2, 3], [6], [6]],
    centre: 1,
    build: (o) => groupNorm(operand(o, 0), operand(o, 1), operand(o, 2), 3, 1e-5),
  },
  {
    name: 'groupNorm of vectors',
    shapes: [[3, 4], [4], [4]],
    centre: 1,
    build: (o) => groupNorm(operand(o, 0), operand(o, 1), operand(o, 2), 2, 1e-5),
  },
  {
    name: 'second derivatives of groupNorm',
    shapes: [[1, 4, 2, 2], [4], [4]],
    centre: 1,
    build: (o) => gradientOf(groupNorm(operand(o, 0), operand(o, 1), operand(o, 2), 2, 1e-2), operand(o, 0)),
  },
  { name: 'standardize', shapes: [[3, 5]], centre: 1, build: (o) => standardize(operand(o, 0), 1e-5) },
  { name: 'sin', shapes: [[3, 4]], centre: 3, build: (o) => sin(operand(o, 0)) },
  { name: 'clamp', shapes: [[3, 4]], build: (o) => clamp(operand(o, 0), -0.4, 0.3) },
  { name: 'cos', shapes: [[3, 4]], centre: 3, build: (o) => cos(operand(o, 0)) },
  { name: 'quickGelu', shapes: [[3, 4]], build: (o) => quickGelu(operand(o, 0)) },
  { name: 'geglu', shapes: [[2, 3, 4]], build: (o) => geglu(operand(o, 0)) },
  {
    name: 'split',
    shapes: [[3, 6]],
    build: (o) => {
      const [a, b, c] = split(operand(o, 0), 1, [1, 3, 2]) as [Tensor, Tensor, Tensor];
      return mul(mul(a, b), sumAll(c));
    },
  },
  {
    name: 'linear with bias over three axes',
    shapes: [[2, 3, 4], [5, 4], [5]],
    build: (o) => linear(operand(o, 0), operand(o, 1), operand(o, 2)),
  },
  { name: 'upsampleNearest', shapes: [[2, 3, 2, 3]], build: (o) => upsampleNearest(operand(o, 0), 2) },
  { name: 'averagePool', shapes: [[2, 3, 4, 6]], build: (o) => averagePool(operand(o, 0), 2) },
  { name: 'averagePool by 3', shapes: [[1, 2, 3, 6]], build: (o) => averagePool(operand(o, 0), 3) },
  { name: 'pixelUnshuffle', shapes: [[2, 3, 4, 6]], build: (o) => pixelUnshuffle(operand(o, 0), 2) },
  { name: 'pixelShuffle', shapes: [[2, 8, 2, 3]], build: (o) => pixelShuffle(operand(o, 0), 2) },
  {
    name: 'attention with two heads',
    shapes: [
      [2, 3, 4],
      [2, 5, 4],
      [2, 5, 6],
    ],
    build: (o) => attention(operand(o, 0), operand(o, 1), operand(o, 2), { heads: 2 }),
  },
  {
    name: 'causal attention with a mask',
    shapes: [
      [2, 4, 4],
      [2, 4, 4],
      [2, 4, 4],
    ],
    build: (o) =>
      attention(operand(o, 0), operand(o, 1), operand(o, 2), {
        heads: 1,
        isCausal: true,
        mask: input('mask', [2, 1, 1, 4]),
        scale: 0.7,
      }),
    inputs: { mask: [0, -1, 0.5, 0, 0.25, 0, -2, 0] },
  },
  {
    name: 'attention with a learned mask per head',
    shapes: [
      [2, 3, 4],
      [2, 5, 4],
      [2, 5, 4],
      [2, 3, 5],
    ],
    build: (o) => attention(operand(o, 0), operand(o, 1), operand(o, 2), { heads: 2, mask: operand(o, 3) }),
  },
  {
    name: 'causal attention of more keys than queries',
    shapes: [
      [1, 3, 4],
      [1, 5, 4],
      [1, 5, 4],
    ],
    build: (o) => attention(operand(o, 0), operand(o, 1), operand(o, 2), { heads: 2, isCausal: true }),
  },
  {
    name: 'timestepEmbedding',
    shapes: [[3]],
    centre: 7,
    build: (o) => timestepEmbedding(operand(o, 0), 8, { flipSinToCos: true, frequencyShift: 0 }),
  },
];
