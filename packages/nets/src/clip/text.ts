import { add, gatherRows, reshape, slice, type Tensor } from '@triptych/graph';
import { NetworkError } from '../errors.js';
import { layerNormLayer, linearLayer } from '../module/layers.js';
import { ParameterScope } from '../module/scope.js';
import type { ClipTextConfig } from './config.js';
import { clipEncoder } from './encoder.js';

/** CLIP's text encoder as a graph. */
export interface ClipTextModel {
  /** After the final norm: [batch, tokens, hidden_size]. What Stable Diffusion's U-Net attends to. */
  readonly lastHidden: Tensor;
  /** `lastHidden` at the end token: [batch, hidden_size]; only if `endRows` was given. */
  readonly pooled: Tensor | undefined;
  /** `pooled` in the space shared with images: [batch, projection_dim]; only for configurations with a projection. */
  readonly textEmbeds: Tensor | undefined;
  /** Parameters under transformers' names. */
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/**
 * Builds the encoder (Radford et al. 2021).
 * @param ids int32 [batch, tokens], at most max_position_embeddings tokens
 * @param endRows int32 [batch] from {@link clipEndRows}: where the pooled output is taken from
 * @throws NetworkError `invalid_argument` for ids of another shape
 */
export function clipTextModel(config: ClipTextConfig, ids: Tensor, endRows?: Tensor): ClipTextModel {
  const [batch, tokens] = ids.shape;
  if (ids.shape.length !== 2 || batch === undefined || tokens === undefined) {
    throw new NetworkError('invalid_argument', `token ids must be [batch, tokens], got [${ids.shape}]`);
  }
  const limit = config.max_position_embeddings;
  if (tokens > limit) {
    throw new NetworkError('invalid_argument', `${tokens} tokens exceed max_position_embeddings ${limit}`);
  }
  const root = new ParameterScope();
  const scope = root.in('text_model');
  const embeddings = scope.in('embeddings');
  const width = config.hidden_size;
  const table = embeddings.weight('token_embedding.weight', [config.vocab_size, width]);
  const positions = embeddings.weight('position_embedding.weight', [limit, width]);
  const embedded = add(gatherRows(table, ids), tokens === limit ? positions : slice(positions, 0, 0, tokens));
  const encoded = clipEncoder(scope.in('encoder'), embedded, config, { isCausal: true });
  const lastHidden = layerNormLayer(scope.in('final_layer_norm'), encoded, config.layer_norm_eps);
  const pooled =
    endRows === undefined ? undefined : gatherRows(reshape(lastHidden, [batch * tokens, width]), endRows);
  const textEmbeds =
    pooled === undefined || !config.hasProjection
      ? undefined
      : linearLayer(root.in('text_projection'), pooled, config.projection_dim, { hasBias: false });
  return { lastHidden, pooled, textEmbeds, parameters: root.parameters };
}

/**
 * Rows of [batch * tokens] at which texts end: the first end token of each. Configurations that say `eos_token_id: 2`
 * are older than the key's meaning; there the largest id is the end, as in transformers.
 */
export function clipEndRows(config: ClipTextConfig, ids: Int32Array, tokens: number): Int32Array {
  return Int32Array.from({ length: ids.length / tokens }, (_, row) => {
    const text = ids.subarray(row * tokens, (row + 1) * tokens);
    const wanted =
      config.eos_token_id === 2 ? text.reduce((max, id) => Math.max(max, id), 0) : config.eos_token_id;
    return row * tokens + Math.max(0, text.indexOf(wanted));
  });
}
