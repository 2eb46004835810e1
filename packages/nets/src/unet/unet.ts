import { add, concat, scalar, scale, type Tensor, timestepEmbedding } from '@triptych/graph';
import { NetworkError } from '../errors.js';
import { ACTIVATIONS, convLayer, extent, groupNormLayer, linearLayer } from '../module/layers.js';
import { downsample, upsample } from '../module/resample.js';
import { type ResnetSettings, resnetBlock } from '../module/resnet.js';
import { ParameterScope } from '../module/scope.js';
import type { UnetConfig } from './config.js';
import { textEmbedding } from './text-embedding.js';
import { type TransformerSettings, transformer2d } from './transformer.js';

/** What one evaluation is given. */
export interface UnetInputs {
  /** [batch, in_channels, height, width] */
  readonly sample: Tensor;
  /** float32 [batch], in training timesteps, whole or not. */
  readonly timestep: Tensor;
  /** [batch, tokens, cross_attention_dim] */
  readonly encoderHiddenStates: Tensor;
}

/** The U-Net as a graph. */
export interface Unet {
  /** The prediction: [batch, out_channels, height, width]. */
  readonly output: Tensor;
  /** Parameters under diffusers' names. */
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/**
 * Builds diffusers' `UNet2DConditionModel` (Rombach et al. 2022).
 * @throws NetworkError `invalid_argument` for inputs of another shape
 */
export function unet(config: UnetConfig, inputs: UnetInputs): Unet {
  checkInputs(config, inputs);
  const root = new ParameterScope();
  const net: Net = {
    config,
    text: inputs.encoderHiddenStates,
    time: conditionEmbedding(root, config, inputs),
  };
  const centred = config.center_input_sample ? add(scale(inputs.sample, 2), scalar(-1)) : inputs.sample;
  const first = convLayer(root.in('conv_in'), centred, config.block_out_channels[0] ?? 0, {
    kernel: config.conv_in_kernel,
    padding: (config.conv_in_kernel - 1) / 2,
  });
  const skips = downBlocks(root, net, first);
  const middle = midBlock(root.in('mid_block'), net, skips.at(-1) ?? first);
  const x = upBlocks(root, net, middle, skips);
  const normed = groupNormLayer(root.in('conv_norm_out'), x, config.norm_num_groups, config.norm_eps);
  const output = convLayer(root.in('conv_out'), ACTIVATIONS[config.act_fn](normed), config.out_channels, {
    kernel: config.conv_out_kernel,
    padding: (config.conv_out_kernel - 1) / 2,
  });
  return { output, parameters: root.parameters };
}

/** What every block sees. */
interface Net {
  readonly config: UnetConfig;
  /** [batch, time_embedding_dim] */
  readonly time: Tensor;
  /** [batch, tokens, cross_attention_dim] */
  readonly text: Tensor;
}

function checkInputs(config: UnetConfig, { sample, timestep, encoderHiddenStates: text }: UnetInputs): void {
  const [batch = 0, channels] = sample.shape;
  if (sample.shape.length !== 4 || channels !== config.in_channels) {
    throw new NetworkError(
      'invalid_argument',
      `sample must be [batch, ${config.in_channels}, height, width], got [${sample.shape}]`,
    );
  }
  if (timestep.shape.join() !== String(batch)) {
    throw new NetworkError('invalid_argument', `timestep must be [${batch}], got [${timestep.shape}]`);
  }
  const wanted = config.cross_attention_dim;
  if (text.shape.length !== 3 || text.shape[0] !== batch || !wanted.every((dim) => dim === text.shape[2])) {
    throw new NetworkError(
      'invalid_argument',
      `encoderHiddenStates must be [${batch}, tokens, ${wanted[0]}], got [${text.shape}] (cross_attention_dim: ${wanted})`,
    );
  }
}

/** What all residual blocks see: the time and, where the configuration says so, the text as a whole. */
function conditionEmbedding(root: ParameterScope, config: UnetConfig, inputs: UnetInputs): Tensor {
  const time = timeEmbedding(root, config, inputs.timestep);
  if (config.addition_embed_type === undefined) return time;
  const settings = { heads: config.addition_embed_type_num_heads, out: config.time_embedding_dim };
  return add(time, textEmbedding(root.in('add_embedding'), inputs.encoderHiddenStates, settings));
}

function timeEmbedding(root: ParameterScope, config: UnetConfig, timestep: Tensor): Tensor {
  const waves = timestepEmbedding(timestep, config.block_out_channels[0] ?? 0, {
    flipSinToCos: config.flip_sin_to_cos,
    frequencyShift: config.freq_shift,
  });
  const scope = root.in('time_embedding');
  const inner = ACTIVATIONS[config.act_fn](
    linearLayer(scope.in('linear_1'), waves, config.time_embedding_dim),
  );
  return linearLayer(scope.in('linear_2'), inner, config.time_embedding_dim);
}

/** All features that the way up will see again, the deepest last. */
function downBlocks(root: ParameterScope, net: Net, first: Tensor): Tensor[] {
  const { config } = net;
  const skips = [first];
  let x = first;
  config.block_out_channels.forEach((out, index) => {
    const block = root.in(`down_blocks.${index}`);
    const hasAttention = config.down_block_types[index] === 'CrossAttnDownBlock2D';
    for (let layer = 0; layer < (config.layers_per_block[index] ?? 0); layer++) {
      x = resnetBlock(block.in(`resnets.${layer}`), x, out, resnetSettings(config), net.time);
      if (hasAttention) {
        x = transformer2d(block.in(`attentions.${layer}`), x, net.text, transformerSettings(config, index));
      }
      skips.push(x);
    }
    if (index < config.block_out_channels.length - 1) {
      x = downsample(block.in('downsamplers.0'), x, config.downsample_padding);
      skips.push(x);
    }
  });
  return skips;
}

function midBlock(scope: ParameterScope, { config, time, text }: Net, x: Tensor): Tensor {
  if (config.mid_block_type === undefined) return x;
  const settings = { ...resnetSettings(config), outputScale: config.mid_block_scale_factor };
  const out = extent(x, 1);
  x = resnetBlock(scope.in('resnets.0'), x, out, settings, time);
  if (config.mid_block_type === 'UNetMidBlock2D') return x;
  const last = config.block_out_channels.length - 1;
  const transformer = { ...transformerSettings(config, last), onlyCrossAttention: false };
  x = transformer2d(scope.in('attentions.0'), x, text, transformer);
  return resnetBlock(scope.in('resnets.1'), x, out, settings, time);
}

function upBlocks(root: ParameterScope, net: Net, x: Tensor, skips: readonly Tensor[]): Tensor {
  const { config } = net;
  const left = [...skips];
  const last = config.block_out_channels.length - 1;
  config.up_block_types.forEach((type, index) => {
    const mirrored = last - index;
    const block = root.in(`up_blocks.${index}`);
    const out = config.block_out_channels[mirrored] ?? 0;
    for (let layer = 0; layer <= (config.layers_per_block[mirrored] ?? 0); layer++) {
      const skip = left.pop();
      if (skip === undefined)
        throw new NetworkError('invalid_config', 'the way up has more layers than the way down');
      x = resnetBlock(
        block.in(`resnets.${layer}`),
        concat([x, skip], 1),
        out,
        resnetSettings(config),
        net.time,
      );
      if (type === 'CrossAttnUpBlock2D') {
        x = transformer2d(
          block.in(`attentions.${layer}`),
          x,
          net.text,
          transformerSettings(config, mirrored),
        );
      }
    }
    const next = left.at(-1);
    if (index < last && next !== undefined) {
      x = upsample(block.in('upsamplers.0'), x, [extent(next, 2), extent(next, 3)]);
    }
  });
  return x;
}

function resnetSettings(config: UnetConfig): ResnetSettings {
  return {
    groups: config.norm_num_groups,
    epsilon: config.norm_eps,
    activation: config.act_fn,
    timeScaleShift: config.resnet_time_scale_shift,
    skipTimeActivation: config.resnet_skip_time_act,
  };
}

function transformerSettings(config: UnetConfig, block: number): TransformerSettings {
  return {
    heads: config.attention_head_dim[block] ?? 1,
    layers: config.transformer_layers_per_block[block] ?? 1,
    groups: config.norm_num_groups,
    useLinearProjection: config.use_linear_projection,
    onlyCrossAttention: config.only_cross_attention[block] ?? false,
  };
}
