import {
  add,
  attention,
  broadcastTo,
  concat,
  meanLast,
  reshape,
  type Tensor,
  transpose,
} from '@triptych/graph';
import { extent, layerNormLayer, linearLayer } from '../module/layers.js';
import type { ParameterScope } from '../module/scope.js';

/** `nn.LayerNorm`'s default. */
const EPSILON = 1e-5;

/**
 * A text as one vector: diffusers' `TextTimeEmbedding`. Its mean asks all tokens and itself by attention.
 * @param text [batch, tokens, width]
 * @returns [batch, out]
 */
export function textEmbedding(
  scope: ParameterScope,
  text: Tensor,
  { heads, out }: { readonly heads: number; readonly out: number },
): Tensor {
  const [batch, width] = [extent(text, 0), extent(text, 2)];
  const normed = layerNormLayer(scope.in('norm1'), text, EPSILON);
  const pool = scope.in('pool');
  const mean = reshape(meanLast(transpose(normed, [0, 2, 1])), [batch, 1, width]);
  const positional = broadcastTo(reshape(pool.weight('positional_embedding', [1, width]), [1, 1, width]), [
    batch,
    1,
    width,
  ]);
  const question = add(mean, positional);
  const all = concat([question, normed], 1);
  const project = (name: string, x: Tensor): Tensor => linearLayer(pool.in(name), x, width);
  const pooled = attention(project('q_proj', question), project('k_proj', all), project('v_proj', all), {
    heads,
  });
  const projected = linearLayer(scope.in('proj'), reshape(pooled, [batch, width]), out);
  return layerNormLayer(scope.in('norm2'), projected, EPSILON);
}
