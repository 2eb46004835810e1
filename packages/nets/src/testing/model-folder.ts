import { copyFile, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixtureFolder } from './golden.js';

const PARTS = [
  { part: 'unet', fixture: 'unet', weights: 'diffusion_pytorch_model.safetensors' },
  { part: 'vae', fixture: 'vae', weights: 'diffusion_pytorch_model.safetensors' },
  { part: 'text_encoder', fixture: 'clip-text', weights: 'model.safetensors' },
] as const;

export const SCHEDULER_CONFIG = {
  _class_name: 'DDIMScheduler',
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  clip_sample: false,
  set_alpha_to_one: false,
  steps_offset: 1,
};

/**
 * Lays the fixtures out as a diffusers model in a new temporary folder, without a tokenizer. Weights are links to files
 * elsewhere, as in Hugging Face's cache.
 */
export async function makeModelFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'diffusers-'));
  for (const { part, fixture, weights } of PARTS) {
    await mkdir(join(folder, part));
    await copyFile(join(fixtureFolder(fixture), 'config.json'), join(folder, part, 'config.json'));
    await symlink(join(fixtureFolder(fixture), weights), join(folder, part, weights));
  }
  await mkdir(join(folder, 'scheduler'));
  await writeJson(join(folder, 'scheduler', 'scheduler_config.json'), SCHEDULER_CONFIG);
  await writeJson(join(folder, 'model_index.json'), {
    _class_name: 'StableDiffusionInstructPix2PixPipeline',
    unet: ['diffusers', 'UNet2DConditionModel'],
    vae: ['diffusers', 'AutoencoderKL'],
    text_encoder: ['transformers', 'CLIPTextModel'],
    scheduler: ['diffusers', 'DDIMScheduler'],
    safety_checker: [null, null],
  });
  return folder;
}

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, JSON.stringify(value));
}
