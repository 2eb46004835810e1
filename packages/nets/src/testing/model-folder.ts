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

export interface ModelFolderOptions {
  /** Adds a tokenizer that knows bytes alone. Default false. */
  readonly tokenizer?: boolean;
}

/**
 * Lays the fixtures out as a diffusers model in a new temporary folder. Weights are links to files elsewhere, as in
 * Hugging Face's cache.
 */
export async function makeModelFolder({ tokenizer = false }: ModelFolderOptions = {}): Promise<string> {
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
  if (tokenizer) await makeTokenizer(join(folder, 'tokenizer'));
  return folder;
}

/** CLIP's format with the text encoder's 300 ids: no merges, several bytes share an id, the last two are special. */
async function makeTokenizer(folder: string): Promise<void> {
  const isPrintable = (byte: number): boolean =>
    (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad && byte <= 0xff);
  // GPT-2's spelling of bytes: printable ones as they are, the others from U+0100 on.
  let next = 256;
  const chars = Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(isPrintable(byte) ? byte : next++),
  );
  const tokens = [...chars, ...chars.map((char) => `${char}</w>`)];
  await mkdir(folder);
  await writeJson(join(folder, 'vocab.json'), {
    ...Object.fromEntries(tokens.map((token, i) => [token, i % 298])),
    '<|startoftext|>': 298,
    '<|endoftext|>': 299,
  });
  await writeFile(join(folder, 'merges.txt'), '#version: 0.2\n');
  await writeJson(join(folder, 'tokenizer_config.json'), { model_max_length: 20 });
}

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, JSON.stringify(value));
}
