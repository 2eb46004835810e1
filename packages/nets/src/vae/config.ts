import { type ConfigJson, ConfigReader } from '../config-reader.js';
import type { ActivationName } from '../module/layers.js';

/** The keys of diffusers' `AutoencoderKL` that shape the network or its use. */
export interface VaeConfig {
  readonly in_channels: number;
  readonly out_channels: number;
  readonly block_out_channels: readonly number[];
  readonly layers_per_block: number;
  readonly latent_channels: number;
  readonly norm_num_groups: number;
  readonly act_fn: ActivationName;
  readonly mid_block_add_attention: boolean;
  readonly use_quant_conv: boolean;
  readonly use_post_quant_conv: boolean;
  /** Diffused latents are (latent - shift_factor) * scaling_factor. */
  readonly scaling_factor: number;
  readonly shift_factor: number;
  readonly sample_size: number;
}

/**
 * Reads a `vae/config.json`. Absent keys take diffusers' defaults.
 * @throws NetworkError `invalid_config` naming the key, also for blocks that are not built here
 */
export function parseVaeConfig(json: ConfigJson): VaeConfig {
  const reader = new ConfigReader(json, 'vae config.json');
  reader.refuseUnless('_class_name', 'AutoencoderKL');
  const channels = reader.counts('block_out_channels', [64]);
  const groups = reader.count('norm_num_groups', 32);
  for (const key of ['down_block_types', 'up_block_types'] as const) {
    const kind = key === 'down_block_types' ? 'DownEncoderBlock2D' : 'UpDecoderBlock2D';
    const types = reader.choices(key, [kind], new Array<typeof kind>(channels.length).fill(kind));
    if (types.length !== channels.length) {
      throw reader.refusal(key, `has ${types.length} entries, block_out_channels has ${channels.length}`);
    }
  }
  const odd = channels.find((count) => count % groups !== 0);
  if (odd !== undefined) {
    throw reader.refusal('norm_num_groups', `${groups} does not divide ${odd} of block_out_channels`);
  }
  for (const key of ['latents_mean', 'latents_std']) {
    if (reader.raw(key) !== undefined) throw reader.refusal(key, 'is not supported, only null');
  }
  return {
    in_channels: reader.count('in_channels', 3),
    out_channels: reader.count('out_channels', 3),
    block_out_channels: channels,
    layers_per_block: reader.layers('layers_per_block', 1),
    latent_channels: reader.count('latent_channels', 4),
    norm_num_groups: groups,
    act_fn: reader.choice('act_fn', ['silu', 'swish', 'gelu'], 'silu'),
    mid_block_add_attention: reader.flag('mid_block_add_attention', true),
    use_quant_conv: reader.flag('use_quant_conv', true),
    use_post_quant_conv: reader.flag('use_post_quant_conv', true),
    scaling_factor: reader.positive('scaling_factor', 0.18215),
    shift_factor: reader.finite('shift_factor', 0),
    sample_size: reader.count('sample_size', 32),
  };
}

/** Pixels per latent along each side. */
export function vaeFactor(config: VaeConfig): number {
  return 2 ** (config.block_out_channels.length - 1);
}
