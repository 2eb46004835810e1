import type { UnetConfig } from '../unet/config.js';
import type { VaeConfig } from '../vae/config.js';

// Names of latent diffusion's single-file checkpoints for the tensors that this package calls as diffusers does.

const UNET = 'model.diffusion_model.';
const VAE = 'first_stage_model.';
const TEXT = 'cond_stage_model.transformer.';

const UNET_RESNET: Readonly<Record<string, string>> = {
  norm1: 'in_layers.0',
  conv1: 'in_layers.2',
  time_emb_proj: 'emb_layers.1',
  norm2: 'out_layers.0',
  conv2: 'out_layers.3',
  conv_shortcut: 'skip_connection',
};
const UNET_ENDS: Readonly<Record<string, string>> = {
  conv_in: 'input_blocks.0.0',
  'time_embedding.linear_1': 'time_embed.0',
  'time_embedding.linear_2': 'time_embed.2',
  conv_norm_out: 'out.0',
  conv_out: 'out.2',
  'mid_block.resnets.0': 'middle_block.0',
  'mid_block.attentions.0': 'middle_block.1',
  'mid_block.resnets.1': 'middle_block.2',
};
const VAE_PARTS: readonly (readonly [RegExp, string])[] = [
  [/conv_norm_out/, 'norm_out'],
  [/mid_block\.resnets\.0/, 'mid.block_1'],
  [/mid_block\.resnets\.1/, 'mid.block_2'],
  [/mid_block\.attentions\.0\.group_norm/, 'mid.attn_1.norm'],
  [/mid_block\.attentions\.0\.to_([qkv])/, 'mid.attn_1.$1'],
  [/mid_block\.attentions\.0\.to_out\.0/, 'mid.attn_1.proj_out'],
  [/conv_shortcut/, 'nin_shortcut'],
  [/resnets\./, 'block.'],
  [/downsamplers\.0/, 'downsample'],
  [/upsamplers\.0/, 'upsample'],
  [/down_blocks/, 'down'],
];

/** Name in a single-file checkpoint of the U-Net's tensor `name`. */
export function ldmUnetName(name: string, config: UnetConfig): string {
  for (const [ours, theirs] of Object.entries(UNET_ENDS)) {
    if (name.startsWith(`${ours}.`)) return UNET + theirs + unetInner(name.slice(ours.length));
  }
  const match = /^(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)(\..*)$/.exec(
    name,
  );
  if (match === null) return UNET + name;
  const [, way, block, kind, layer, rest = ''] = match;
  const [b, r] = [Number(block), Number(layer)];
  const isDown = way === 'down';
  const layers = isDown
    ? config.layers_per_block
    : config.layers_per_block.toReversed().map((count) => count + 1);
  // One entry per layer; on the way down one more for each downsampling, and conv_in comes first.
  const before = layers.slice(0, b).reduce((sum, count) => sum + count + Number(isDown), isDown ? 1 : 0);
  const own = layers[b] ?? 0;
  const blocks = `${UNET}${isDown ? 'input' : 'output'}_blocks.`;
  if (kind === 'resnets') return `${blocks}${before + r}.0${unetInner(rest)}`;
  if (kind === 'attentions') return `${blocks}${before + r}.1${rest}`;
  if (kind === 'downsamplers') return `${blocks}${before + own}.0${rest.replace('.conv.', '.op.')}`;
  const place = config.up_block_types[b] === 'CrossAttnUpBlock2D' ? 2 : 1;
  return `${blocks}${before + own - 1}.${place}${rest}`;
}

/** Name in a single-file checkpoint of the autoencoder's tensor `name`. */
export function ldmVaeName(name: string, config: VaeConfig): string {
  const last = config.block_out_channels.length - 1;
  const renamed = VAE_PARTS.reduce(
    (text, [pattern, replacement]) => text.replace(pattern, replacement),
    name,
  );
  // The decoder's blocks are counted from the image.
  return VAE + renamed.replace(/up_blocks\.(\d+)/, (_, block: string) => `up.${last - Number(block)}`);
}

/** Name in a single-file checkpoint of the text encoder's tensor `name`. */
export function ldmTextName(name: string): string {
  return TEXT + name;
}

/** Parts of a residual block; transformers are called the same. */
function unetInner(rest: string): string {
  return rest.replace(/^\.(norm1|conv1|time_emb_proj|norm2|conv2|conv_shortcut)\./, (_, part: string) => {
    return `.${UNET_RESNET[part]}.`;
  });
}
