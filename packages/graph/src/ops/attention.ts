import { GraphError } from '../errors.js';
import { extentOf, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add, scale } from './elementwise.js';
import { constant } from './leaf.js';
import { matmul } from './matmul.js';
import { reshape, transpose } from './shape.js';
import { softmax } from './softmax.js';

/** Options of {@link attention}. */
export interface AttentionOptions {
  /** Number of heads; divides the width. */
  readonly heads: number;
  /** Token k sees tokens 0..k only. False by default. */
  readonly isCausal?: boolean;
  /** Added to the scores before the softmax; must broadcast to [batch, heads, queries, keys]. */
  readonly mask?: Tensor | undefined;
  /** Factor of the scores; 1 / sqrt(width / heads) by default. */
  readonly scale?: number;
}

/**
 * Scaled dot-product attention with several heads (Vaswani et al. 2017, eq. 1): query [batch, queries, width], key
 * [batch, keys, width], value [batch, keys, valueWidth] -> [batch, queries, valueWidth]. Heads lie side by side in the
 * last axis. Projections are the caller's.
 * @throws GraphError `invalid_attribute` if the heads do not divide the widths, `shape_mismatch`.
 */
export function attention(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions): Tensor {
  const { heads, isCausal = false, mask } = options;
  for (const [name, operand] of Object.entries({ query, key, value })) {
    if (operand.shape.length !== 3 || extentOf(operand.shape, 2) % heads !== 0) {
      throw new GraphError(
        'invalid_attribute',
        `attention needs ${name} [batch, tokens, width] with a width that ${heads} heads divide, got [${operand.shape}]`,
      );
    }
  }
  const [queries, keys] = [extentOf(query.shape, 1), extentOf(key.shape, 1)];
  if (!sameShape(key.shape.slice(0, 2), value.shape.slice(0, 2))) {
    throw new GraphError(
      'shape_mismatch',
      `attention needs as many keys as values, got [${key.shape}] and [${value.shape}]`,
    );
  }
  const factor = options.scale ?? 1 / Math.sqrt(extentOf(query.shape, 2) / heads);
  // Queries are fewer numbers than scores, so the factor goes there.
  let scores = matmul(splitHeads(scale(query, factor), heads), splitHeads(key, heads), { transposeB: true });
  if (mask !== undefined) scores = add(scores, mask);
  if (isCausal) scores = add(scores, causalMask(queries, keys));
  const result = matmul(softmax(scores), splitHeads(value, heads));
  const merged = transpose(result, [0, 2, 1, 3]);
  return reshape(merged, [extentOf(query.shape, 0), queries, extentOf(value.shape, 2)]);
}

/** [queries, keys]: 0 where a query may look and a large negative number above the diagonal. */
export function causalMask(queries: number, keys: number): Tensor {
  const data = new Float32Array(queries * keys);
  // Far below any score, far from overflow when another mask is added.
  for (let q = 0; q < queries; q++) data.fill(-1e30, q * keys + q + 1, (q + 1) * keys);
  return constant(data, [queries, keys]);
}

/** [batch, tokens, heads * width] -> [batch, heads, tokens, width]. */
function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, tokens, width] = [extentOf(x.shape, 0), extentOf(x.shape, 1), extentOf(x.shape, 2)];
  return transpose(reshape(x, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
}
