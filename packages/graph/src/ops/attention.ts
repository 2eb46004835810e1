import { GraphError } from '../errors.js';
import { float, int } from '../onnx/emitter.js';
import { elementCount, extentOf, sameShape } from '../shape.js';
import { apply, at, type OpRecord, type ReferenceValue, requireDtype, type Tensor } from '../tensor.js';
import { add, mul, scale, sub } from './elementwise.js';
import { constant } from './leaf.js';
import { matmul } from './matmul.js';
import { broadcastTo, reduceSum, sumTo } from './reduce.js';
import { reshape, transpose } from './shape.js';
import { softmax } from './softmax.js';

/** Options of {@link attention}. */
export interface AttentionOptions {
  /** Number of heads; divides the widths. */
  readonly heads: number;
  /** Token k sees tokens 0..k only. False by default. */
  readonly isCausal?: boolean;
  /** Added to the scores before the softmax; must broadcast to [batch, heads, queries, keys]. */
  readonly mask?: Tensor | undefined;
  /** Factor of the scores; 1 / sqrt(width / heads) by default. */
  readonly scale?: number;
}

interface AttentionAttributes {
  readonly heads: number;
  readonly factor: number;
}

// One node of ONNX Runtime forward: without a mask it never holds all scores at once, which a long sequence could not
// afford. The gradient computes them anew.
const attentionRecord: OpRecord<AttentionAttributes> = {
  name: 'attention',
  infer: (inputs, { heads }) => {
    const [query, key, value] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    for (const [name, operand] of Object.entries({ query, key, value })) {
      requireDtype(operand, 'float32', 'attention');
      if (operand.shape.length !== 3 || !Number.isInteger(extentOf(operand.shape, 2) / heads)) {
        throw new GraphError(
          'invalid_attribute',
          `attention needs ${name} [batch, tokens, width] with a width that ${heads} heads divide, got [${operand.shape}]`,
        );
      }
    }
    const fits =
      sameShape(key.shape.slice(0, 2), value.shape.slice(0, 2)) &&
      query.shape[0] === key.shape[0] &&
      query.shape[2] === key.shape[2];
    if (!fits) {
      throw new GraphError(
        'shape_mismatch',
        `attention of query [${query.shape}], key [${key.shape}], value [${value.shape}]: batches, the tokens of key ` +
          'and value, and the widths of query and key must agree',
      );
    }
    const mask = inputs[3]?.shape;
    const isRepeatable = (extent: number | undefined, wanted: number | undefined): boolean =>
      extent === 1 || extent === wanted;
    if (mask !== undefined && !(isRepeatable(mask[0], query.shape[0]) && isRepeatable(mask[1], heads))) {
      throw new GraphError(
        'shape_mismatch',
        `attention: the mask [${mask}] does not broadcast to batch ${query.shape[0]}, ${heads} heads`,
      );
    }
    return { shape: query.shape.with(2, extentOf(value.shape, 2)), dtype: 'float32' };
  },
  // P = softmax(f Q K^T + M), Y = P V: dV = P^T G, dS = P (G V^T - rowsum(G Y)), dQ = f dS K, dK = f dS^T Q.
  gradient: ({ inputs, output, attributes: { heads, factor } }, g) => {
    const [query, key, value, mask] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), inputs[3]];
    const [q, k, v] = [
      splitHeads(scale(query, factor), heads),
      splitHeads(key, heads),
      splitHeads(value, heads),
    ];
    const gradient = splitHeads(g, heads);
    const scores = matmul(q, k, { transposeB: true });
    const p = softmax(mask === undefined ? scores : add(scores, mask));
    const rowSums = reduceSum(mul(gradient, splitHeads(output, heads)), [-1]);
    const toScores = mul(p, sub(matmul(gradient, v, { transposeB: true }), rowSums));
    const toInputs = [
      scale(mergeHeads(matmul(toScores, k)), factor),
      mergeHeads(matmul(toScores, q, { transposeA: true })),
      mergeHeads(matmul(p, gradient, { transposeA: true })),
    ];
    return mask === undefined ? toInputs : [...toInputs, sumTo(toScores, mask.shape)];
  },
  lower: ({ attributes: { heads, factor } }, inputs, onnx) => {
    const [query, key, value, mask] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), inputs[3]];
    // Absent between value and mask: a bias of the projections and a padding mask.
    const operands = mask === undefined ? [query, key, value] : [query, key, value, '', '', mask];
    return onnx.node('com.microsoft.MultiHeadAttention', operands, {
      num_heads: int(heads),
      scale: float(factor),
    });
  },
  evaluate: ({ output, attributes }, inputs) => {
    const [query, key, value] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const [batch, queries, width] = query.shape as [number, number, number];
    const [keys, valueWidth] = [extentOf(key.shape, 1), extentOf(value.shape, 2)];
    const { heads, factor } = attributes;
    const [headWidth, headValueWidth] = [width / heads, valueWidth / heads];
    const maskAt = maskReader(inputs[3], heads, queries, keys);
    const result = new Float64Array(elementCount(output.shape));
    for (let row = 0; row < batch * heads * queries; row++) {
      const [q, h, b] = [row % queries, Math.floor(row / queries) % heads, Math.floor(row / queries / heads)];
      const scores = Float64Array.from({ length: keys }, (_, k) => {
        const from = (b * queries + q) * width + h * headWidth;
        const to = (b * keys + k) * width + h * headWidth;
        let sum = 0;
        for (let d = 0; d < headWidth; d++) sum += (query.data[from + d] ?? 0) * (key.data[to + d] ?? 0);
        return factor * sum + maskAt(b, h, q, k);
      });
      const peak = scores.reduce((a, c) => Math.max(a, c), Number.NEGATIVE_INFINITY);
      const weights = scores.map((score) => Math.exp(score - peak));
      const total = weights.reduce((a, c) => a + c, 0);
      for (let d = 0; d < headValueWidth; d++) {
        const sum = weights.reduce((acc, weight, k) => {
          const from = (b * keys + k) * valueWidth + h * headValueWidth + d;
          return acc + (weight / total) * (value.data[from] ?? 0);
        }, 0);
        result[(b * queries + q) * valueWidth + h * headValueWidth + d] = sum;
      }
    }
    return result;
  },
};

/**
 * Scaled dot-product attention with several heads (Vaswani et al. 2017, eq. 1): query [batch, queries, width], key
 * [batch, keys, width], value [batch, keys, valueWidth] -> [batch, queries, valueWidth]. Heads lie side by side in the
 * last axis. Projections are the caller's.
 * @throws GraphError `invalid_attribute` if the heads do not divide the widths, `shape_mismatch`.
 */
export function attention(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions): Tensor {
  const { heads, isCausal = false } = options;
  const factor = options.scale ?? 1 / Math.sqrt(extentOf(query.shape, -1) / heads);
  const [queries, keys] = [extentOf(query.shape, 1), extentOf(key.shape, 1)];
  const causal = isCausal ? causalMask(queries, keys) : undefined;
  const masks = [options.mask, causal].filter((mask) => mask !== undefined);
  const operands = [query, key, value];
  if (masks.length > 0) operands.push(fullMask(masks.reduce(add), queries, keys));
  return apply(attentionRecord, operands, { heads, factor });
}

/** [queries, keys]: 0 where a query may look and a large negative number above the diagonal. */
export function causalMask(queries: number, keys: number): Tensor {
  const data = new Float32Array(queries * keys);
  // Far below any score, far from overflow when another mask is added.
  for (let q = 0; q < queries; q++) data.fill(-1e30, q * keys + q + 1, (q + 1) * keys);
  return constant(data, [queries, keys]);
}

/** ONNX Runtime repeats a mask over batch and heads, but not over queries and keys. */
function fullMask(mask: Tensor, queries: number, keys: number): Tensor {
  const leading = [...new Array<number>(Math.max(0, 4 - mask.shape.length)).fill(1), ...mask.shape];
  return broadcastTo(reshape(mask, leading), [...leading.slice(0, 2), queries, keys]);
}

function maskReader(
  mask: ReferenceValue | undefined,
  heads: number,
  queries: number,
  keys: number,
): (b: number, h: number, q: number, k: number) => number {
  if (mask === undefined) return () => 0;
  const [maskBatch, maskHeads] = [extentOf(mask.shape, 0), extentOf(mask.shape, 1)];
  return (b, h, q, k) => {
    const plane = (maskBatch === 1 ? 0 : b) * maskHeads + (maskHeads === heads ? h : 0);
    return mask.data[(plane * queries + q) * keys + k] ?? Number.NaN;
  };
}

/** [batch, tokens, heads * width] -> [batch, heads, tokens, width]. */
function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, tokens, width] = x.shape as [number, number, number];
  return transpose(reshape(x, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
}

/** [batch, heads, tokens, width] -> [batch, tokens, heads * width]. */
function mergeHeads(x: Tensor): Tensor {
  const [batch, heads, tokens, width] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, tokens, heads * width]);
}
