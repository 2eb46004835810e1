import { add, broadcastTo, concat, reshape, slice, type Tensor, transpose } from '@triptych/graph';
import { NetworkError } from '../errors.js';
import { convLayer, layerNormLayer, linearLayer } from '../module/layers.js';
import { ParameterScope } from '../module/scope.js';
import type { ClipVisionConfig } from './config.js';
import { clipEncoder } from './encoder.js';

/** CLIP's vision tower as a graph. */
export interface ClipVisionModel {
  /** Before the last norm: [batch, 1 + patches, hidden_size], the class token first. */
  readonly lastHidden: Tensor;
  /** The class token after the last norm: [batch, hidden_size]. */
  readonly pooled: Tensor;
  /** `pooled` in the space shared with texts: [batch, projection_dim]; only for configurations with a projection. */
  readonly imageEmbeds: Tensor | undefined;
  /** Parameters under transformers' names. */
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/**
 * Builds the tower (Radford et al. 2021; Dosovitskiy et al. 2021).
 * @param pixels [batch, num_channels, image_size, image_size], normalised with CLIP's mean and deviation
 * @throws NetworkError `invalid_argument` for pixels of another shape
 */
export function clipVisionModel(config: ClipVisionConfig, pixels: Tensor): ClipVisionModel {
  const { image_size: size, patch_size: patch, num_channels: channels, hidden_size: width } = config;
  const batch = pixels.shape[0] ?? 0;
  if (pixels.shape.join() !== [batch, channels, size, size].join()) {
    throw new NetworkError(
      'invalid_argument',
      `pixels must be [batch, ${channels}, ${size}, ${size}], got [${pixels.shape}]`,
    );
  }
  const root = new ParameterScope();
  const scope = root.in('vision_model');
  const embeddings = scope.in('embeddings');
  const patches = Math.floor(size / patch) ** 2;
  const grid = convLayer(embeddings.in('patch_embedding'), pixels, width, {
    kernel: patch,
    stride: patch,
    hasBias: false,
  });
  const tokens = transpose(reshape(grid, [batch, width, patches]), [0, 2, 1]);
  const classToken = reshape(embeddings.weight('class_embedding', [width]), [1, 1, width]);
  const positions = embeddings.weight('position_embedding.weight', [patches + 1, width]);
  const embedded = add(concat([broadcastTo(classToken, [batch, 1, width]), tokens], 1), positions);
  // The misspelling is part of the public names.
  const normed = layerNormLayer(scope.in('pre_layrnorm'), embedded, config.layer_norm_eps);
  const lastHidden = clipEncoder(scope.in('encoder'), normed, config, { isCausal: false });
  const first = reshape(slice(lastHidden, 1, 0, 1), [batch, width]);
  const pooled = layerNormLayer(scope.in('post_layernorm'), first, config.layer_norm_eps);
  const imageEmbeds = config.hasProjection
    ? linearLayer(root.in('visual_projection'), pooled, config.projection_dim, { hasBias: false })
    : undefined;
  return { lastHidden, pooled, imageEmbeds, parameters: root.parameters };
}
