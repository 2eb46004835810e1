import { add, attention, clamp, reshape, slice, type Tensor, transpose } from '@triptych/graph';
import { NetworkError } from '../errors.js';
import { ACTIVATIONS, convLayer, extent, groupNormLayer, linearLayer } from '../module/layers.js';
import { downsample, upsample } from '../module/resample.js';
import { type ResnetSettings, resnetBlock } from '../module/resnet.js';
import { ParameterScope } from '../module/scope.js';
import { type VaeConfig, vaeFactor } from './config.js';

const EPSILON = 1e-6;
/** Bounds of the log-variance in latent diffusion's `DiagonalGaussianDistribution`. */
const [LOWEST_LOGVAR, HIGHEST_LOGVAR] = [-30, 20];

/** The encoder half as a graph. Latents are as the network gives them: scaling is the caller's. */
export interface VaeEncoder {
  /** Mean of the posterior, which is also its mode: [batch, latent_channels, height / factor, width / factor]. */
  readonly mean: Tensor;
  /** Log-variance of the posterior, clamped to -30..20; same shape. */
  readonly logvar: Tensor;
  /** Parameters under diffusers' names. */
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/** The decoder half as a graph. */
export interface VaeDecoder {
  /** [batch, out_channels, height, width], about -1..1 and not clamped. */
  readonly image: Tensor;
  /** Parameters under diffusers' names. */
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/**
 * Builds the encoder (Rombach et al. 2022, appendix G).
 * @param image [batch, in_channels, height, width] in -1..1; the sides are multiples of {@link vaeFactor}
 * @throws NetworkError `invalid_argument` for another shape
 */
export function vaeEncoder(config: VaeConfig, image: Tensor): VaeEncoder {
  const factor = vaeFactor(config);
  const [, channels, height = 0, width = 0] = image.shape;
  if (
    image.shape.length !== 4 ||
    channels !== config.in_channels ||
    height % factor !== 0 ||
    width % factor !== 0
  ) {
    throw new NetworkError(
      'invalid_argument',
      `the image must be [batch, ${config.in_channels}, height, width] with sides that ${factor} divides, got [${image.shape}]`,
    );
  }
  const root = new ParameterScope();
  const scope = root.in('encoder');
  const blocks = config.block_out_channels;
  let x = convLayer(scope.in('conv_in'), image, blocks[0] ?? 0, { kernel: 3, padding: 1 });
  blocks.forEach((out, index) => {
    const block = scope.in(`down_blocks.${index}`);
    for (let layer = 0; layer < config.layers_per_block; layer++) {
      x = resnetBlock(block.in(`resnets.${layer}`), x, out, resnetSettings(config));
    }
    if (index < blocks.length - 1) x = downsample(block.in('downsamplers.0'), x, 0);
  });
  x = outputLayers(scope, middle(scope.in('mid_block'), x, config), 2 * config.latent_channels, config);
  if (config.use_quant_conv)
    x = convLayer(root.in('quant_conv'), x, 2 * config.latent_channels, { kernel: 1 });
  const mean = slice(x, 1, 0, config.latent_channels);
  const logvar = slice(x, 1, config.latent_channels, 2 * config.latent_channels);
  return { mean, logvar: clamp(logvar, LOWEST_LOGVAR, HIGHEST_LOGVAR), parameters: root.parameters };
}

/**
 * Builds the decoder.
 * @param latent [batch, latent_channels, height, width], already divided by scaling_factor
 * @throws NetworkError `invalid_argument` for another shape
 */
export function vaeDecoder(config: VaeConfig, latent: Tensor): VaeDecoder {
  if (latent.shape.length !== 4 || latent.shape[1] !== config.latent_channels) {
    throw new NetworkError(
      'invalid_argument',
      `the latent must be [batch, ${config.latent_channels}, height, width], got [${latent.shape}]`,
    );
  }
  const root = new ParameterScope();
  const scope = root.in('decoder');
  const blocks = config.block_out_channels.toReversed();
  let x = latent;
  if (config.use_post_quant_conv)
    x = convLayer(root.in('post_quant_conv'), x, config.latent_channels, { kernel: 1 });
  x = convLayer(scope.in('conv_in'), x, blocks[0] ?? 0, { kernel: 3, padding: 1 });
  x = middle(scope.in('mid_block'), x, config);
  blocks.forEach((out, index) => {
    const block = scope.in(`up_blocks.${index}`);
    for (let layer = 0; layer <= config.layers_per_block; layer++) {
      x = resnetBlock(block.in(`resnets.${layer}`), x, out, resnetSettings(config));
    }
    if (index < blocks.length - 1) x = upsample(block.in('upsamplers.0'), x);
  });
  return { image: outputLayers(scope, x, config.out_channels, config), parameters: root.parameters };
}

function resnetSettings(config: VaeConfig): ResnetSettings {
  return { groups: config.norm_num_groups, epsilon: EPSILON, activation: config.act_fn };
}

function middle(scope: ParameterScope, x: Tensor, config: VaeConfig): Tensor {
  const channels = extent(x, 1);
  const first = resnetBlock(scope.in('resnets.0'), x, channels, resnetSettings(config));
  const mixed = config.mid_block_add_attention
    ? attentionBlock(scope.in('attentions.0'), first, config)
    : first;
  return resnetBlock(scope.in('resnets.1'), mixed, channels, resnetSettings(config));
}

/** Attention of one head between all positions. */
function attentionBlock(scope: ParameterScope, x: Tensor, config: VaeConfig): Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const normed = groupNormLayer(
    scope.in('group_norm'),
    reshape(x, [batch, channels, height * width]),
    config.norm_num_groups,
    EPSILON,
  );
  const rows = transpose(normed, [0, 2, 1]);
  const projected = (name: string): Tensor => linearLayer(scope.in(name), rows, channels);
  const mixed = attention(projected('to_q'), projected('to_k'), projected('to_v'), { heads: 1 });
  const out = transpose(linearLayer(scope.in('to_out.0'), mixed, channels), [0, 2, 1]);
  return add(x, reshape(out, x.shape));
}

function outputLayers(scope: ParameterScope, x: Tensor, channels: number, config: VaeConfig): Tensor {
  const normed = groupNormLayer(scope.in('conv_norm_out'), x, config.norm_num_groups, EPSILON);
  return convLayer(scope.in('conv_out'), ACTIVATIONS[config.act_fn](normed), channels, {
    kernel: 3,
    padding: 1,
  });
}
