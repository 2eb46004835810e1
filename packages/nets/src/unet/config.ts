import { type ConfigJson, ConfigReader } from '../config-reader.js';
import type { ActivationName } from '../module/layers.js';

/** SDXL, the deepest public one, has 26. */
const MOST_DEPTH = 1000;

const DOWN_BLOCKS = ['CrossAttnDownBlock2D', 'DownBlock2D'] as const;
const UP_BLOCKS = ['CrossAttnUpBlock2D', 'UpBlock2D'] as const;
const MID_BLOCKS = ['UNetMidBlock2DCrossAttn', 'UNetMidBlock2D'] as const;

/** The keys of diffusers' `UNet2DConditionModel` that shape the network. Lists have one entry per down block. */
export interface UnetConfig {
  readonly in_channels: number;
  readonly out_channels: number;
  readonly block_out_channels: readonly number[];
  readonly down_block_types: readonly (typeof DOWN_BLOCKS)[number][];
  /** `undefined`: no middle block at all. */
  readonly mid_block_type: (typeof MID_BLOCKS)[number] | undefined;
  readonly up_block_types: readonly (typeof UP_BLOCKS)[number][];
  readonly layers_per_block: readonly number[];
  readonly transformer_layers_per_block: readonly number[];
  readonly cross_attention_dim: readonly number[];
  /** Despite its name the number of heads, in all published configurations (diffusers keeps it for their sake). */
  readonly attention_head_dim: readonly number[];
  /** The first attention of a transformer block looks at the text too. */
  readonly only_cross_attention: readonly boolean[];
  readonly use_linear_projection: boolean;
  readonly norm_num_groups: number;
  readonly norm_eps: number;
  readonly act_fn: ActivationName;
  readonly center_input_sample: boolean;
  readonly flip_sin_to_cos: boolean;
  readonly freq_shift: number;
  readonly time_embedding_dim: number;
  /** `text`: the text as a whole is added to the time embedding (DeepFloyd IF). */
  readonly addition_embed_type: 'text' | undefined;
  readonly addition_embed_type_num_heads: number;
  readonly resnet_time_scale_shift: 'default' | 'scale_shift';
  readonly resnet_skip_time_act: boolean;
  readonly mid_block_scale_factor: number;
  readonly downsample_padding: number;
  readonly conv_in_kernel: number;
  readonly conv_out_kernel: number;
}

/**
 * Reads a `unet/config.json`. Absent keys take diffusers' defaults.
 * @throws NetworkError `invalid_config` naming the key, also for everything that would need a part that is not built here
 */
export function parseUnetConfig(json: ConfigJson): UnetConfig {
  const reader = new ConfigReader(json, 'unet config.json');
  refuseUnsupported(reader);
  const channels = reader.counts('block_out_channels', [320, 640, 1280, 1280]);
  const blocks = channels.length;
  const down = reader.choices('down_block_types', DOWN_BLOCKS, [
    'CrossAttnDownBlock2D',
    'CrossAttnDownBlock2D',
    'CrossAttnDownBlock2D',
    'DownBlock2D',
  ]);
  const up = reader.choices('up_block_types', UP_BLOCKS, [
    'UpBlock2D',
    'CrossAttnUpBlock2D',
    'CrossAttnUpBlock2D',
    'CrossAttnUpBlock2D',
  ]);
  for (const [key, types] of Object.entries({ down_block_types: down, up_block_types: up })) {
    if (types.length !== blocks) {
      throw reader.refusal(key, `has ${types.length} entries, block_out_channels has ${blocks}`);
    }
  }
  const heads = reader.perBlock('attention_head_dim', blocks, 8);
  const groups = normGroups(reader, json, channels);
  const config: UnetConfig = {
    in_channels: reader.count('in_channels', 4),
    out_channels: reader.count('out_channels', 4),
    block_out_channels: channels,
    down_block_types: down,
    mid_block_type:
      json.mid_block_type === null
        ? undefined
        : reader.choice('mid_block_type', MID_BLOCKS, 'UNetMidBlock2DCrossAttn'),
    up_block_types: up,
    layers_per_block: reader.layersPerBlock('layers_per_block', blocks, 2),
    transformer_layers_per_block: reader.layersPerBlock('transformer_layers_per_block', blocks, 1),
    cross_attention_dim: reader.perBlock('cross_attention_dim', blocks, 1280),
    attention_head_dim: heads,
    only_cross_attention: onlyCrossAttention(reader, blocks),
    use_linear_projection: reader.flag('use_linear_projection', false),
    norm_num_groups: groups,
    norm_eps: reader.positive('norm_eps', 1e-5),
    act_fn: reader.choice('act_fn', ['silu', 'swish', 'gelu'], 'silu'),
    center_input_sample: reader.flag('center_input_sample', false),
    flip_sin_to_cos: reader.flag('flip_sin_to_cos', true),
    freq_shift: reader.finite('freq_shift', 0),
    time_embedding_dim: reader.count('time_embedding_dim', 4 * (channels[0] ?? 0)),
    addition_embed_type:
      reader.raw('addition_embed_type') === undefined
        ? undefined
        : reader.choice('addition_embed_type', ['text'], 'text'),
    addition_embed_type_num_heads: reader.count('addition_embed_type_num_heads', 64),
    resnet_time_scale_shift: reader.choice('resnet_time_scale_shift', ['default', 'scale_shift'], 'default'),
    resnet_skip_time_act: reader.flag('resnet_skip_time_act', false),
    mid_block_scale_factor: reader.positive('mid_block_scale_factor', 1),
    downsample_padding: reader.index('downsample_padding', 1),
    conv_in_kernel: oddKernel(reader, 'conv_in_kernel'),
    conv_out_kernel: oddKernel(reader, 'conv_out_kernel'),
  };
  const half = (channels[0] ?? 0) / 2;
  if (config.freq_shift >= half) {
    throw reader.refusal(
      'freq_shift',
      `${config.freq_shift} must be below ${half}, half of the first channels`,
    );
  }
  checkAttention(reader, config);
  checkTextEmbedding(reader, config);
  checkDepth(reader, config);
  return config;
}

/** A small file must not ask for a graph of millions of nodes: each key is bounded, and so is their product. */
function checkDepth(reader: ConfigReader, config: UnetConfig): void {
  const depth = config.layers_per_block.reduce(
    (sum, layers, block) => sum + layers * (config.transformer_layers_per_block[block] ?? 1),
    0,
  );
  if (depth > MOST_DEPTH) {
    throw reader.refusal(
      'transformer_layers_per_block',
      `times layers_per_block makes ${depth} layers, more than ${MOST_DEPTH}`,
    );
  }
}

/** Keys whose other values need parts that are not built here. Keys without effect on inference are not listed. */
function refuseUnsupported(reader: ConfigReader): void {
  reader.refuseUnless('_class_name', 'UNet2DConditionModel');
  for (const key of [
    'num_attention_heads',
    'encoder_hid_dim',
    'encoder_hid_dim_type',
    'class_embed_type',
    'num_class_embeds',
    'time_embedding_act_fn',
    'timestep_post_act',
    'time_cond_proj_dim',
    'cross_attention_norm',
    'reverse_transformer_layers_per_block',
  ]) {
    if (reader.raw(key) !== undefined) {
      throw reader.refusal(key, `${JSON.stringify(reader.raw(key))} is not supported, only null`);
    }
  }
  reader.refuseUnless('dual_cross_attention', false);
  reader.refuseUnless('class_embeddings_concat', false);
  reader.refuseUnless('time_embedding_type', 'positional');
  reader.refuseUnless('attention_type', 'default');
  reader.refuseUnless('mid_block_only_cross_attention', false);
  reader.refuseUnless('resnet_out_scale_factor', 1);
}

function normGroups(reader: ConfigReader, json: ConfigJson, channels: readonly number[]): number {
  // null means "no last norm" to diffusers, where other keys' null is their default.
  if (json.norm_num_groups === null) throw reader.refusal('norm_num_groups', 'null is not supported');
  const groups = reader.count('norm_num_groups', 32);
  const odd = channels.find((count) => count % groups !== 0);
  if (odd !== undefined) {
    throw reader.refusal('norm_num_groups', `${groups} does not divide ${odd} of block_out_channels`);
  }
  if ((channels[0] ?? 0) % 2 !== 0)
    throw reader.refusal('block_out_channels', 'must start with an even number');
  return groups;
}

function onlyCrossAttention(reader: ConfigReader, blocks: number): readonly boolean[] {
  const value = reader.raw('only_cross_attention') ?? false;
  const list: readonly unknown[] = Array.isArray(value) ? value : new Array<unknown>(blocks).fill(value);
  if (list.length !== blocks || !list.every((flag) => typeof flag === 'boolean')) {
    throw reader.refusal('only_cross_attention', `must be true, false or a list of ${blocks} of them`);
  }
  return list as boolean[];
}

function oddKernel(reader: ConfigReader, key: string): number {
  const size = reader.count(key, 3);
  if (size % 2 === 0) throw reader.refusal(key, `must be odd, got ${size}`);
  return size;
}

function checkTextEmbedding(reader: ConfigReader, config: UnetConfig): void {
  const { addition_embed_type_num_heads: heads, cross_attention_dim: dims } = config;
  const odd = dims.find((width) => width % heads !== 0);
  if (config.addition_embed_type !== undefined && odd !== undefined) {
    throw reader.refusal(
      'addition_embed_type_num_heads',
      `${heads} does not divide cross_attention_dim ${odd}`,
    );
  }
}

function checkAttention(reader: ConfigReader, config: UnetConfig): void {
  const last = config.block_out_channels.length - 1;
  config.block_out_channels.forEach((width, index) => {
    const heads = config.attention_head_dim[index] ?? 1;
    const isUsed =
      config.down_block_types[index] === 'CrossAttnDownBlock2D' ||
      config.up_block_types[last - index] === 'CrossAttnUpBlock2D' ||
      (index === last && config.mid_block_type === 'UNetMidBlock2DCrossAttn');
    if (isUsed && width % heads !== 0) {
      throw reader.refusal(
        'attention_head_dim',
        `(the number of heads) ${heads} does not divide ${width} channels`,
      );
    }
  });
}
