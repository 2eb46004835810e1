import { type ClipTokenizer, readClipTokenizer } from '@triptych/checkpoints';
import { parseClipTextConfig } from '../clip/config.js';
import type { ConfigJson } from '../config-reader.js';
import { parseSchedulerConfig } from '../schedulers/config.js';
import { parseUnetConfig } from '../unet/config.js';
import { parseVaeConfig } from '../vae/config.js';
import { ldmTextName, ldmUnetName, ldmVaeName } from '../weights/ldm-names.js';
import { openWeightFiles, type WeightEntry, type WeightFiles } from '../weights/weight-files.js';
import { checkWeights, type DiffusersFolder, parameterNames } from './folder.js';

/** Configurations that a single file does not hold. Default: those of Stable Diffusion 1.5. */
export interface SingleFileOptions {
  /** Folder with CLIP's vocab.json and merges.txt. Without it texts must be given as token ids. */
  readonly tokenizerFolder?: string;
  readonly unet?: ConfigJson;
  readonly vae?: ConfigJson;
  readonly textEncoder?: ConfigJson;
  readonly scheduler?: ConfigJson;
}

/** Stable Diffusion 1.5 (Rombach et al. 2022); the number of input channels is read from the file. */
const STABLE_DIFFUSION = {
  unet: { cross_attention_dim: 768, sample_size: 64 },
  vae: {
    block_out_channels: [128, 256, 512, 512],
    down_block_types: new Array<string>(4).fill('DownEncoderBlock2D'),
    up_block_types: new Array<string>(4).fill('UpDecoderBlock2D'),
    layers_per_block: 2,
    sample_size: 512,
  },
  textEncoder: { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12 },
  scheduler: {
    _class_name: 'EulerAncestralDiscreteScheduler',
    beta_start: 0.00085,
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    steps_offset: 1,
  },
} as const;

/**
 * Opens a single-file checkpoint with latent diffusion's tensor names (`model.diffusion_model...`), as Stable Diffusion
 * and InstructPix2Pix were first published, once it is safetensors. Weights are read in place.
 * @throws NetworkError `unsupported_file` for pickles, `invalid_config`, `invalid_weights` naming the tensor;
 *   CheckpointError for damaged files
 */
export async function openSingleFile(
  path: string,
  options: SingleFileOptions = {},
): Promise<DiffusersFolder> {
  const files = await openWeightFiles(path);
  const convIn = files.tensors.get('model.diffusion_model.input_blocks.0.0.weight');
  const channels = convIn?.shape[1] ?? 4;
  const unet = parseUnetConfig({ ...(options.unet ?? STABLE_DIFFUSION.unet), in_channels: channels });
  const vae = parseVaeConfig(options.vae ?? STABLE_DIFFUSION.vae);
  const textEncoder = parseClipTextConfig(options.textEncoder ?? STABLE_DIFFUSION.textEncoder);
  const names = parameterNames({ unet, vae, textEncoder });
  const tokenizer: ClipTokenizer | undefined =
    options.tokenizerFolder === undefined ? undefined : await readClipTokenizer(options.tokenizerFolder);
  const model: DiffusersFolder = {
    pipeline: 'single file',
    unet: { config: unet, files: renamed(files, names.unet, (name) => ldmUnetName(name, unet)) },
    vae: { config: vae, files: renamed(files, names.vae, (name) => ldmVaeName(name, vae)) },
    textEncoder: { config: textEncoder, files: renamed(files, names.textEncoder, ldmTextName) },
    scheduler: parseSchedulerConfig(options.scheduler ?? STABLE_DIFFUSION.scheduler),
    tokenizer,
  };
  checkWeights(model);
  return model;
}

/** The same files with the tensors of one network under the names that it uses. */
function renamed(
  files: WeightFiles,
  names: Iterable<string>,
  nameInFile: (name: string) => string,
): WeightFiles {
  const tensors = new Map<string, WeightEntry>();
  for (const name of names) {
    const entry = files.tensors.get(nameInFile(name));
    if (entry !== undefined) tensors.set(name, entry);
  }
  return { folder: files.folder, tensors };
}
