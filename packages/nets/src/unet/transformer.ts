import { add, attention, geglu, reshape, type Tensor, transpose } from '@triptych/graph';
import { convLayer, extent, groupNormLayer, layerNormLayer, linearLayer } from '../module/layers.js';
import type { ParameterScope } from '../module/scope.js';

/** `nn.LayerNorm`'s default, which diffusers' transformer blocks keep. */
const LAYER_NORM_EPSILON = 1e-5;
/** Of the norm before the transformer; not the configuration's norm_eps. */
const GROUP_NORM_EPSILON = 1e-6;

/** Settings of diffusers' `Transformer2DModel`. */
export interface TransformerSettings {
  readonly heads: number;
  readonly layers: number;
  readonly groups: number;
  /** Linear layers instead of 1x1 convolutions at both ends. The arithmetic is the same, the weights' shape is not. */
  readonly useLinearProjection: boolean;
  readonly onlyCrossAttention: boolean;
}

/**
 * Lets every position of an image look at all others and at the text.
 * @param x [batch, channels, height, width]
 * @param text [batch, tokens, cross_attention_dim]
 */
export function transformer2d(
  scope: ParameterScope,
  x: Tensor,
  text: Tensor,
  settings: TransformerSettings,
): Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const toRows = (image: Tensor): Tensor =>
    transpose(reshape(image, [batch, channels, height * width]), [0, 2, 1]);
  const toImage = (rows: Tensor): Tensor => reshape(transpose(rows, [0, 2, 1]), x.shape);
  const project = (name: string, image: Tensor): Tensor =>
    convLayer(scope.in(name), image, channels, { kernel: 1 });
  const normed = groupNormLayer(scope.in('norm'), x, settings.groups, GROUP_NORM_EPSILON);
  let rows = settings.useLinearProjection
    ? linearLayer(scope.in('proj_in'), toRows(normed), channels)
    : toRows(project('proj_in', normed));
  for (let layer = 0; layer < settings.layers; layer++) {
    rows = transformerBlock(scope.in(`transformer_blocks.${layer}`), rows, text, settings);
  }
  const out = settings.useLinearProjection
    ? toImage(linearLayer(scope.in('proj_out'), rows, channels))
    : project('proj_out', toImage(rows));
  return add(out, x);
}

/** Attention within the image, attention to the text, a gated perceptron; each on a norm and added to its input. */
function transformerBlock(
  scope: ParameterScope,
  x: Tensor,
  text: Tensor,
  { heads, onlyCrossAttention }: TransformerSettings,
): Tensor {
  const width = extent(x, -1);
  const norm = (name: string, input: Tensor): Tensor =>
    layerNormLayer(scope.in(name), input, LAYER_NORM_EPSILON);
  const first = norm('norm1', x);
  x = add(x, attentionLayer(scope.in('attn1'), first, onlyCrossAttention ? text : first, heads));
  x = add(x, attentionLayer(scope.in('attn2'), norm('norm2', x), text, heads));
  const gated = geglu(linearLayer(scope.in('ff.net.0.proj'), norm('norm3', x), 8 * width));
  return add(x, linearLayer(scope.in('ff.net.2'), gated, width));
}

/** Attention from x to `source`; queries, keys and values have no bias. */
function attentionLayer(scope: ParameterScope, x: Tensor, source: Tensor, heads: number): Tensor {
  const width = extent(x, -1);
  const projected = (name: string, input: Tensor): Tensor =>
    linearLayer(scope.in(name), input, width, { hasBias: false });
  const mixed = attention(projected('to_q', x), projected('to_k', source), projected('to_v', source), {
    heads,
  });
  return linearLayer(scope.in('to_out.0'), mixed, width);
}
