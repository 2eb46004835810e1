import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClipTokenizer, readClipTokenizer } from '@triptych/checkpoints';
import { input, type Tensor } from '@triptych/graph';
import { type ClipTextConfig, parseClipTextConfig } from '../clip/config.js';
import { clipTextModel } from '../clip/text.js';
import type { ConfigJson } from '../config-reader.js';
import { NetworkError } from '../errors.js';
import { type FolderScheduler, parseFolderScheduler, type SchedulerClass } from '../schedulers/config.js';
import { parseUnetConfig, type UnetConfig } from '../unet/config.js';
import { unet } from '../unet/unet.js';
import { vaeDecoder, vaeEncoder } from '../vae/autoencoder.js';
import { parseVaeConfig, type VaeConfig, vaeFactor } from '../vae/config.js';
import { bindWeights, clipAliases, vaeAliases } from '../weights/bind.js';
import { openWeightFiles, type WeightFiles } from '../weights/weight-files.js';
import { readModelJson } from './model-json.js';

/** A network's configuration and where its weights lie. */
export interface ModelPart<Config> {
  readonly config: Config;
  readonly files: WeightFiles;
}

/** Everything in a diffusers model folder that an edit needs. Weights stay in their files. */
export interface DiffusersFolder extends FolderScheduler {
  /** `_class_name` of model_index.json, such as `StableDiffusionInstructPix2PixPipeline`. */
  readonly pipeline: string;
  readonly unet: ModelPart<UnetConfig>;
  readonly vae: ModelPart<VaeConfig>;
  readonly textEncoder: ModelPart<ClipTextConfig>;
  /** Absent if the folder has none; texts must then be given as token ids. */
  readonly tokenizer: ClipTokenizer | undefined;
}

export interface OpenDiffusersOptions {
  /** Weight files to prefer, such as `fp16`. */
  readonly variant?: string;
  /** Scheduler to use with the folder's scheduler settings, instead of the one it names. */
  readonly scheduler?: SchedulerClass;
}

/** Classes of model_index.json that are built here. */
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  unet: ['UNet2DConditionModel'],
  vae: ['AutoencoderKL'],
  text_encoder: ['CLIPTextModel', 'CLIPTextModelWithProjection'],
};

/**
 * Opens a Stable Diffusion or InstructPix2Pix model in diffusers' layout: model_index.json with unet/, vae/,
 * text_encoder/, tokenizer/ and scheduler/. Reads configurations and headers, and checks that every weight is there
 * with the right shape; nothing is written, so the folder may be read-only.
 *
 * @throws NetworkError `unsupported_file` for pickles and other layouts, `invalid_config` naming file and key,
 *   `invalid_weights` naming the tensor; CheckpointError for damaged files
 */
export async function openDiffusersFolder(
  folder: string,
  { variant, scheduler }: OpenDiffusersOptions = {},
): Promise<DiffusersFolder> {
  await refuseFiles(folder);
  const index = await readModelJson(folder, 'model_index.json');
  checkClasses(index);
  const part = async <Config>(
    name: string,
    parse: (json: ConfigJson) => Config,
  ): Promise<ModelPart<Config>> => {
    const config = parse(await readModelJson(join(folder, name), 'config.json'));
    return { config, files: await openWeightFiles(join(folder, name), { variant }) };
  };
  const opened: DiffusersFolder = {
    pipeline: typeof index._class_name === 'string' ? index._class_name : '',
    unet: await part('unet', parseUnetConfig),
    vae: await part('vae', parseVaeConfig),
    textEncoder: await part('text_encoder', parseClipTextConfig),
    ...parseFolderScheduler(
      await readModelJson(join(folder, 'scheduler'), 'scheduler_config.json'),
      scheduler,
    ),
    tokenizer: (await exists(join(folder, 'tokenizer')))
      ? await readClipTokenizer(join(folder, 'tokenizer'))
      : undefined,
  };
  checkWeights(opened);
  return opened;
}

async function refuseFiles(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) throw new NetworkError('unsupported_file', `"${path}" does not exist`);
  if (info.isDirectory()) return;
  if (!path.endsWith('.safetensors')) await openWeightFiles(path.replace(/\/*$/, ''));
  throw new NetworkError(
    'unsupported_file',
    `"${path}" is one file: open it with openSingleFile, or convert it to a folder with diffusers: ` +
      'StableDiffusionInstructPix2PixPipeline.from_single_file(file).save_pretrained(folder, safe_serialization=True)',
  );
}

function checkClasses(index: ConfigJson): void {
  for (const [part, supported] of Object.entries(CLASSES)) {
    const entry: unknown = index[part];
    const name: unknown = Array.isArray(entry) ? entry[1] : undefined;
    if (!supported.some((known) => known === name)) {
      const found = JSON.stringify(name) ?? 'nothing';
      throw new NetworkError(
        'invalid_config',
        `model_index.json: ${part} is ${found}, supported: ${supported.join(', ')}`,
      );
    }
  }
  for (const extra of ['text_encoder_2', 'transformer', 'controlnet', 'image_encoder']) {
    const entry: unknown = index[extra];
    if (Array.isArray(entry) && entry[1] !== null && entry[1] !== undefined) {
      throw new NetworkError('invalid_config', `model_index.json: pipelines with ${extra} are not supported`);
    }
  }
}

/** Configurations of the three networks. */
export interface NetworkConfigs {
  readonly unet: UnetConfig;
  readonly vae: VaeConfig;
  readonly textEncoder: ClipTextConfig;
}

type Parameters = ReadonlyMap<string, Tensor>;

/** Builds every network in its smallest size, for the names and shapes of its parameters. */
function smallest({
  unet: net,
  vae,
  textEncoder,
}: NetworkConfigs): Readonly<Record<keyof NetworkConfigs, Parameters>> {
  const pixels = vaeFactor(vae);
  const encoder = vaeEncoder(vae, input('image', [1, vae.in_channels, pixels, pixels]));
  const decoder = vaeDecoder(vae, input('latent', [1, vae.latent_channels, 1, 1]));
  return {
    unet: unet(net, {
      sample: input('sample', [1, net.in_channels, 8, 8]),
      timestep: input('timestep', [1]),
      encoderHiddenStates: input('text', [1, 1, net.cross_attention_dim[0] ?? 1]),
    }).parameters,
    vae: new Map([...encoder.parameters, ...decoder.parameters]),
    textEncoder: clipTextModel(textEncoder, input('ids', [1, 1], 'int32')).parameters,
  };
}

/** Names of all tensors that the networks of these configurations hold. */
export function parameterNames(configs: NetworkConfigs): Readonly<Record<keyof NetworkConfigs, string[]>> {
  const { unet: net, vae, textEncoder } = smallest(configs);
  return { unet: [...net.keys()], vae: [...vae.keys()], textEncoder: [...textEncoder.keys()] };
}

/**
 * Finds all weights of a model.
 * @throws NetworkError `invalid_weights` naming the tensor, `invalid_config` for networks that do not fit each other
 */
export function checkWeights({ unet: net, vae, textEncoder }: DiffusersFolder): void {
  const width = net.config.cross_attention_dim[0] ?? 0;
  if (width !== textEncoder.config.hidden_size) {
    throw new NetworkError(
      'invalid_config',
      `unet cross_attention_dim ${width} is not the text encoder's hidden_size ${textEncoder.config.hidden_size}`,
    );
  }
  const built = smallest({ unet: net.config, vae: vae.config, textEncoder: textEncoder.config });
  bindWeights(built.unet, net.files, 'unet');
  bindWeights(built.vae, vae.files, 'vae', vaeAliases);
  bindWeights(built.textEncoder, textEncoder.files, 'text_encoder', clipAliases);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
