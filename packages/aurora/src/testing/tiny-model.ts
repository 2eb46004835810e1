import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '@triptych/graph';
import { saveEditModel } from '../model/folder.js';
import { copyStart, type EditModelJson, parseEditModel } from '../model/network.js';
import { writeWordTokenizer } from '../train/tokenizer.js';
import { editLoss } from '../train/trainer.js';

/** Tokens of a text for {@link tinyJson}. */
export const TINY_TOKENS = 12;

/** The embedded model's configuration, with the least of everything. */
export function tinyJson(vocabulary: number): EditModelJson {
  return {
    unet: {
      sample_size: 4,
      in_channels: 96,
      out_channels: 80,
      block_out_channels: [16, 32],
      down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
      up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
      layers_per_block: 1,
      cross_attention_dim: 32,
      attention_head_dim: 2,
      norm_num_groups: 4,
    },
    textEncoder: {
      vocab_size: vocabulary,
      hidden_size: 32,
      intermediate_size: 64,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      max_position_embeddings: TINY_TOKENS,
      bos_token_id: vocabulary - 2,
      eos_token_id: vocabulary - 1,
    },
    scheduler: {
      _class_name: 'DDIMScheduler',
      num_train_timesteps: 1000,
      beta_start: 0.00085,
      beta_end: 0.012,
      beta_schedule: 'scaled_linear',
      rescale_betas_zero_snr: true,
      prediction_type: 'sample',
      timestep_spacing: 'trailing',
      clip_sample: false,
    },
  };
}

export const TINY_TEXTS = ['make the red cube blue', 'move the ball to the left', 'remove the cone'];

/** A temporary folder with a tokenizer of {@link TINY_TEXTS}, and its vocabulary's size. */
export async function tinyTokenizer(): Promise<{ folder: string; vocabulary: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'triptych-tokenizer-'));
  const vocabulary = await writeWordTokenizer(folder, TINY_TEXTS, TINY_TOKENS);
  return { folder, vocabulary };
}

/** A temporary model folder with random weights; its last convolution is random too, unless it shall copy. */
export async function tinyModelFolder(random: Random, { copies = false } = {}): Promise<string> {
  const { folder: tokenizerFolder, vocabulary } = await tinyTokenizer();
  const json = tinyJson(vocabulary);
  const { parameters } = editLoss(parseEditModel(json), 1, { width: 16, height: 16 });
  const weights = copyStart(parameters, random);
  if (!copies) {
    const last = weights['conv_out.weight'] ?? new Float32Array();
    for (let k = 0; k < last.length; k++) last[k] = 0.05 * random.normal();
  }
  const folder = join(await mkdtemp(join(tmpdir(), 'triptych-edit-')), 'tiny');
  await saveEditModel(folder, {
    json,
    weights,
    tokenizerFolder,
    nativeSide: 16,
    defaults: { steps: 4, sampler: 'ddim', textGuidance: 2, imageGuidance: 1 },
  });
  return folder;
}
