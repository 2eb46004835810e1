import type { NetworkActivation } from '@triptych/native';
import type { ConvGeometry } from '../ops/conv/geometry.js';
import { isParameter } from '../ops/leaf.js';
import { extentOf, type Shape, sameShape } from '../shape.js';
import { at, type Tensor } from '../tensor.js';
import { batchOf, newMatrix, reshapeView, transposeView, type View, viewOf } from './matrix.js';
import { NotPlannable, type Planned, type Planner } from './planner.js';
import type { Step } from './steps.js';

type Rule = (tensor: Tensor, planner: Planner) => void;

/** Attributes of a record that the rule is written for. */
function attributesOf<T>(tensor: Tensor): T {
  return tensor.attributes as T;
}

function requirePlan(condition: boolean): asserts condition {
  if (!condition) throw new NotPlannable();
}

const reshape: Rule = (tensor, planner) => {
  const source = planner.find(at(tensor.inputs, 0));
  const view = reshapeView(source.view, tensor.shape);
  requirePlan(view !== undefined);
  planner.alias(tensor, view, source);
};

const transpose: Rule = (tensor, planner) => {
  const source = planner.find(at(tensor.inputs, 0));
  const { permutation } = attributesOf<{ readonly permutation: readonly number[] }>(tensor);
  const view = transposeView(source.view, permutation);
  requirePlan(view !== undefined);
  planner.alias(tensor, view, source);
};

/** Some channels: rows of the same matrix. */
const slice: Rule = (tensor, planner) => {
  const source = planner.find(at(tensor.inputs, 0));
  const { axis, start, end } = attributesOf<{ axis: number; start: number; end: number }>(tensor);
  const { view } = source;
  const channelAxis = view.layout === 'channels' ? 1 : view.shape.length - 1;
  requirePlan(view.enlarge === 1 && axis === channelAxis);
  const matrix = { ...view.matrix, firstRow: view.matrix.firstRow + start, rows: end - start };
  // Its step writes the whole matrix, so it must not be changed on behalf of a part.
  planner.alias(tensor, { ...view, matrix, shape: tensor.shape }, { ...source, isExclusive: false });
};

const concat: Rule = (tensor, planner) => {
  const parts = tensor.inputs.map((part) => planner.view(part));
  const { layout } = at(parts, 0);
  const channelAxis = layout === 'channels' ? 1 : tensor.shape.length - 1;
  const { axis } = attributesOf<{ readonly axis: number }>(tensor);
  requirePlan(axis === channelAxis && parts.every((part) => part.layout === layout));
  const view = viewOf(tensor.shape, layout);
  let firstRow = 0;
  for (const { matrix } of parts) {
    planner.emit(tensor, view, {
      op: 'copy',
      x: matrix,
      out: { ...view.matrix, firstRow, rows: matrix.rows },
    });
    firstRow += matrix.rows;
  }
};

const upsampleNearest: Rule = (tensor, planner) => {
  const source = planner.find(at(tensor.inputs, 0));
  const { factor } = attributesOf<{ readonly factor: number }>(tensor);
  requirePlan(source.view.layout === 'channels');
  const enlarge = source.view.enlarge * factor;
  planner.alias(tensor, { ...source.view, enlarge, shape: tensor.shape }, { ...source, isExclusive: false });
};

const conv2d: Rule = (tensor, planner) => {
  const [x, weight, bias] = [planner.find(at(tensor.inputs, 0)).view, at(tensor.inputs, 1), tensor.inputs[2]];
  const { stride, pads, dilation, groups } = attributesOf<ConvGeometry>(tensor);
  requirePlan(groups === 1 && dilation.every((distance) => distance === 1) && x.layout === 'channels');
  const [height, width] = [extentOf(x.shape, 2), extentOf(x.shape, 3)];
  const [outHeight, outWidth] = [extentOf(tensor.shape, 2), extentOf(tensor.shape, 3)];
  const kernel = [extentOf(weight.shape, 2), extentOf(weight.shape, 3)] as const;
  const view = viewOf(tensor.shape, 'channels');
  const isPlain = [...kernel, ...stride, x.enlarge].every((size) => size === 1) && pads.every((p) => p === 0);
  const window = [height, width, outHeight, outWidth, ...stride, pads[0], pads[1], ...kernel, x.enlarge];
  planner.emit(tensor, view, {
    op: 'product',
    x: x.matrix,
    weight: planner.weight(weight),
    ...(bias && { bias: planner.weight(bias) }),
    out: view.matrix,
    batch: batchOf(view),
    ...(isPlain ? {} : { window: Int32Array.from(window) }),
  });
};

/** Rows times the transpose of a weight: a linear layer. */
const matmul: Rule = (tensor, planner) => {
  const [x, weight] = [planner.view(at(tensor.inputs, 0)), at(tensor.inputs, 1)];
  const { transposeA, transposeB } = attributesOf<{ transposeA: boolean; transposeB: boolean }>(tensor);
  requirePlan(!transposeA && transposeB && weight.shape.length === 2 && x.layout === 'tokens');
  const view = viewOf(tensor.shape, 'tokens');
  planner.emit(tensor, view, {
    op: 'product',
    x: x.matrix,
    weight: planner.weight(weight),
    out: view.matrix,
    batch: 1,
  });
};

const add: Rule = (tensor, planner) => {
  const [a, b] = [at(tensor.inputs, 0), at(tensor.inputs, 1)];
  if (isParameter(a) || isParameter(b)) {
    const [x, bias] = isParameter(a) ? [b, a] : [a, b];
    const source = planner.find(x);
    const { step } = source;
    const isBias = bias.shape.length === 1 && source.view.layout === 'tokens';
    requirePlan(isBias && step?.op === 'product' && step.bias === undefined && source.isExclusive);
    step.bias = planner.weight(bias);
    planner.alias(tensor, source.view, source);
    return;
  }
  const [left, right] = [planner.find(a), planner.find(b)];
  if (!sameShape(a.shape, b.shape)) {
    if (isPerImage(b.shape, a.shape)) addShift(tensor, left, right, planner);
    else if (isPerImage(a.shape, b.shape)) addShift(tensor, right, left, planner);
    else throw new NotPlannable();
    return;
  }
  requirePlan(left.view.enlarge === 1 && right.view.enlarge === 1 && left.view.layout === right.view.layout);
  // The product that would run later takes the other one as what it is added to.
  const candidates = [
    { product: left, other: right },
    { product: right, other: left },
  ].filter(({ product }) => takesResidual(product));
  const rank = ({ product }: { product: Planned }): number =>
    product.step === undefined ? -1 : planner.steps.indexOf(product.step);
  const chosen = candidates.sort((first, second) => rank(second) - rank(first))[0];
  if (chosen?.product.step !== undefined) {
    chosen.product.step.residual = chosen.other.view.matrix;
    planner.postpone(chosen.product.step);
    planner.alias(tensor, chosen.product.view, chosen.product);
    return;
  }
  const view = viewOf(tensor.shape, left.view.layout);
  planner.emit(tensor, view, {
    op: 'add',
    x: left.view.matrix,
    y: right.view.matrix,
    out: view.matrix,
  });
};

function takesResidual({ step, isExclusive }: Planned): boolean {
  return step?.op === 'product' && step.residual === undefined && isExclusive;
}

function isPerImage(small: Shape, full: Shape): boolean {
  const sides = small.slice(2);
  return full.length === 4 && sameShape(small.slice(0, 2), full.slice(0, 2)) && sides.every((s) => s === 1);
}

/** Adds one number per image and channel, [batch, channels, 1, 1]. */
function addShift(tensor: Tensor, source: Planned, shift: Planned, planner: Planner): void {
  const { step } = source;
  requirePlan(step?.op === 'product' && step.shift === undefined && source.isExclusive);
  requirePlan(shift.view.layout === 'channels' && source.view.layout === 'channels');
  step.shift = shift.view.matrix;
  planner.postpone(step);
  planner.alias(tensor, source.view, source);
}

/** A column of numbers times a constant row: the angles of a timestep embedding. */
const mul: Rule = (tensor, planner) => {
  const [x, row] = [planner.view(at(tensor.inputs, 0)), at(tensor.inputs, 1)];
  const data = attributesOf<{ readonly data?: unknown }>(row).data;
  requirePlan(row.op.name === 'constant' && data instanceof Float32Array && row.shape.length === 1);
  requirePlan(x.layout === 'tokens' && x.matrix.rows === 1 && tensor.shape.length === 2);
  const view = viewOf(tensor.shape, 'tokens');
  planner.emit(tensor, view, {
    op: 'outer',
    x: x.matrix,
    weight: planner.constant(data),
    out: view.matrix,
  });
};

function activation(kind: NetworkActivation): Rule {
  return (tensor, planner) => {
    const source = planner.find(at(tensor.inputs, 0));
    requirePlan(source.view.enlarge === 1);
    const factor = kind === 'swish' ? attributesOf<{ readonly slope: number }>(tensor).slope : 1;
    const { step } = source;
    const isFused = kind === 'swish' && factor === 1 && step?.op === 'groupNorm' && source.isExclusive;
    if (isFused && step.activation === 'none') {
      step.activation = 'swish';
      planner.alias(tensor, source.view, source);
      return;
    }
    const view: View = { ...source.view, matrix: freshLike(source.view) };
    planner.emit(tensor, view, {
      op: 'activate',
      x: source.view.matrix,
      activation: kind,
      factor,
      out: view.matrix,
    });
  };
}

function freshLike({ matrix }: View): View['matrix'] {
  return newMatrix(matrix.rows, matrix.storage.columns);
}

const groupNorm: Rule = (tensor, planner) => {
  const [x, weight, bias] = [planner.view(at(tensor.inputs, 0)), at(tensor.inputs, 1), at(tensor.inputs, 2)];
  const { groups, epsilon } = attributesOf<{ readonly groups: number; readonly epsilon: number }>(tensor);
  requirePlan(x.layout === 'channels');
  const view: View = { ...x, matrix: freshLike(x) };
  const step: Step = {
    op: 'groupNorm',
    x: x.matrix,
    weight: planner.weight(weight),
    bias: planner.weight(bias),
    groups,
    epsilon,
    activation: 'none',
    out: view.matrix,
    batch: batchOf(x),
  };
  planner.emit(tensor, view, step);
};

const layerNorm: Rule = (tensor, planner) => {
  const [x, weight, bias] = [planner.view(at(tensor.inputs, 0)), at(tensor.inputs, 1), at(tensor.inputs, 2)];
  const { epsilon } = attributesOf<{ readonly epsilon: number }>(tensor);
  requirePlan(x.layout === 'tokens');
  const view: View = { ...x, matrix: freshLike(x) };
  planner.emit(tensor, view, {
    op: 'layerNorm',
    x: x.matrix,
    weight: planner.weight(weight),
    bias: planner.weight(bias),
    epsilon,
    out: view.matrix,
  });
};

const geglu: Rule = (tensor, planner) => {
  const x = planner.view(at(tensor.inputs, 0));
  requirePlan(x.layout === 'tokens');
  const view = viewOf(tensor.shape, 'tokens');
  planner.emit(tensor, view, { op: 'geglu', x: x.matrix, out: view.matrix });
};

const attention: Rule = (tensor, planner) => {
  const [query, key, value] = [0, 1, 2].map((k) => planner.view(at(tensor.inputs, k))) as [View, View, View];
  requirePlan(tensor.inputs.length === 3 && [query, key, value].every(({ layout }) => layout === 'tokens'));
  const { heads, factor } = attributesOf<{ readonly heads: number; readonly factor: number }>(tensor);
  const view = viewOf(tensor.shape, 'tokens');
  planner.emit(tensor, view, {
    op: 'attention',
    x: query.matrix,
    y: key.matrix,
    values: value.matrix,
    heads,
    factor,
    out: view.matrix,
    batch: batchOf(query),
  });
};

/** By the name of the record. What is missing here keeps a graph on ONNX Runtime. */
export const RULES: Readonly<Record<string, Rule>> = {
  reshape,
  transpose,
  slice,
  concat,
  upsampleNearest,
  conv2d,
  matmul,
  add,
  mul,
  swish: activation('swish'),
  gelu: activation('gelu'),
  cos: activation('cos'),
  sin: activation('sin'),
  groupNorm,
  layerNorm,
  geglu,
  attention,
};
