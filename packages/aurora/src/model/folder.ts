import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import {
  type ClipTokenizer,
  fromHalfBits,
  readClipTokenizer,
  readSafetensors,
  toHalfBits,
  writeSafetensors,
} from '@triptych/checkpoints';
import { input, type Tensor } from '@triptych/graph';
import { writeFileAtomically } from '@triptych/media';
import {
  bindWeights,
  type ConfigJson,
  clipTextModel,
  openWeightFiles,
  readModelJson,
  type WeightFiles,
} from '@triptych/nets';
import { type EditorSettings, type SamplerName, samplerNames } from '../editor.js';
import { AuroraError } from '../errors.js';
import {
  type EditModelConfig,
  type EditModelJson,
  editNetwork,
  isPixelUnet,
  parseEditModel,
} from './network.js';
import { OUTPUT_CHANNELS, PATCH, PIXEL_CHANNELS } from './pixels.js';

/** `_class_name` in model_index.json: laid out as a diffusers folder, but of a pipeline that diffusers does not have. */
export const PIPELINE_CLASS = 'TriptychPixelEditPipeline';

const UNET_FILE = 'diffusion_pytorch_model.safetensors';
const TEXT_FILE = 'model.safetensors';

/** An embedded model on disk, checked; weights stay in their files. */
export interface EditModelFolder {
  readonly name: string;
  /** SHA-256 over both weight files, hexadecimal. */
  readonly hash: string;
  readonly config: EditModelConfig;
  readonly tokenizer: ClipTokenizer;
  readonly unetFiles: WeightFiles;
  readonly textFiles: WeightFiles;
  readonly nativeSide: number;
  readonly defaults: EditorSettings;
}

/** What to write. */
export interface SaveEditModelOptions {
  readonly json: EditModelJson;
  /** float32 values under their public names, of text encoder and U-Net together. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  /** Folder of a tokenizer in CLIP's format, to be copied. */
  readonly tokenizerFolder: string;
  readonly nativeSide: number;
  readonly defaults: EditorSettings;
  /** Facts for the headers of the weight files. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes a folder as diffusers lays it out: model_index.json, unet/, text_encoder/, tokenizer/, scheduler/. Weights
 * become half precision.
 * @throws AuroraError `MODEL` naming a tensor that is missing
 */
export async function saveEditModel(folder: string, options: SaveEditModelOptions): Promise<void> {
  const { json, weights, defaults, metadata = {} } = options;
  const config = parseEditModel(json);
  const parts = parametersOf(config);
  const write = (path: string, value: unknown): Promise<void> =>
    writeFileAtomically(join(folder, path), `${JSON.stringify(value, undefined, 2)}\n`);
  await mkdir(join(folder, 'unet'), { recursive: true });
  await mkdir(join(folder, 'text_encoder'), { recursive: true });
  const tensors = (parameters: ReadonlyMap<string, Tensor>) =>
    [...parameters].map(([name, { shape }]) => [name, halfTensor(name, shape, weights[name])] as const);
  const header = Object.entries({ format: 'pt', ...metadata });
  await writeSafetensors(join(folder, 'unet', UNET_FILE), { tensors: tensors(parts.unet), metadata: header });
  await writeSafetensors(join(folder, 'text_encoder', TEXT_FILE), {
    tensors: tensors(parts.textEncoder),
    metadata: header,
  });
  await cp(options.tokenizerFolder, join(folder, 'tokenizer'), { recursive: true });
  await write('unet/config.json', json.unet);
  await write('text_encoder/config.json', json.textEncoder);
  await write('scheduler/scheduler_config.json', json.scheduler);
  await write('model_index.json', {
    _class_name: PIPELINE_CLASS,
    patch_size: PATCH,
    native_side: options.nativeSide,
    defaults,
    unet: ['diffusers', 'UNet2DConditionModel'],
    text_encoder: ['transformers', 'CLIPTextModel'],
    tokenizer: ['transformers', 'CLIPTokenizer'],
    scheduler: ['diffusers', config.scheduler._class_name],
  });
}

/**
 * Opens what {@link saveEditModel} wrote.
 * @throws AuroraError `MODEL` naming file and key; NetworkError and CheckpointError for files that are damaged or do not
 *   fit each other
 */
export async function openEditModel(folder: string): Promise<EditModelFolder> {
  const index = await readModelJson(folder, 'model_index.json');
  if (index._class_name !== PIPELINE_CLASS || index.patch_size !== PATCH) {
    throw new AuroraError(
      'MODEL',
      `model_index.json: _class_name ${JSON.stringify(index._class_name)} with patch_size ${JSON.stringify(index.patch_size)} ` +
        `is not "${PIPELINE_CLASS}" with ${PATCH}`,
    );
  }
  const part = (name: string, file: string): Promise<ConfigJson> => readModelJson(join(folder, name), file);
  const config = parseEditModel({
    unet: await part('unet', 'config.json'),
    textEncoder: await part('text_encoder', 'config.json'),
    scheduler: await part('scheduler', 'scheduler_config.json'),
  });
  checkParts(config);
  const tokenizer = await readClipTokenizer(join(folder, 'tokenizer'));
  if (tokenizer.vocabSize > config.textEncoder.vocab_size) {
    throw new AuroraError(
      'MODEL',
      `the tokenizer has ${tokenizer.vocabSize} tokens, text_encoder vocab_size is ${config.textEncoder.vocab_size}`,
    );
  }
  const unetFiles = await openWeightFiles(join(folder, 'unet'));
  const textFiles = await openWeightFiles(join(folder, 'text_encoder'));
  const parts = parametersOf(config);
  bindWeights(parts.unet, unetFiles, 'unet');
  bindWeights(parts.textEncoder, textFiles, 'text_encoder');
  return {
    name: basename(resolve(folder)),
    hash: await hashOf([join(folder, 'unet', UNET_FILE), join(folder, 'text_encoder', TEXT_FILE)]),
    config,
    tokenizer,
    unetFiles,
    textFiles,
    nativeSide: nativeSideOf(index.native_side, config),
    defaults: defaultsOf(index.defaults),
  };
}

/** The weights that {@link saveEditModel} wrote, under their names: to train on from them. */
export async function readEditWeights(folder: string): Promise<Record<string, Float32Array>> {
  const weights: Record<string, Float32Array> = {};
  for (const path of [join(folder, 'unet', UNET_FILE), join(folder, 'text_encoder', TEXT_FILE)]) {
    const { tensors } = await readSafetensors(path);
    for (const [name, { dtype, data }] of tensors) {
      if (dtype !== 'F16') throw new AuroraError('MODEL', `"${name}" of ${path} is ${dtype}, not F16`);
      weights[name] = Float32Array.from(data as Uint16Array, fromHalfBits);
    }
  }
  return weights;
}

/** Pixels that sides must be multiples of: the patch times what the U-Net halves. */
export function sideMultipleOf({ unet }: EditModelConfig): number {
  return PATCH * 2 ** (unet.block_out_channels.length - 1);
}

function checkParts({ unet, textEncoder, scheduler }: EditModelConfig): void {
  const problem = !isPixelUnet(unet)
    ? `unet: in_channels ${unet.in_channels} and out_channels ${unet.out_channels} must be ${2 * PIXEL_CHANNELS} and ${OUTPUT_CHANNELS}`
    : unet.cross_attention_dim[0] !== textEncoder.hidden_size
      ? `unet cross_attention_dim ${unet.cross_attention_dim[0]} is not the text encoder's hidden_size ${textEncoder.hidden_size}`
      : scheduler.prediction_type !== 'sample'
        ? `scheduler: prediction_type must be "sample", got "${scheduler.prediction_type}"`
        : undefined;
  if (problem !== undefined) throw new AuroraError('MODEL', problem);
}

/** Parameters of both networks by name, from graphs of the smallest size. */
function parametersOf(
  config: EditModelConfig,
): Readonly<Record<'unet' | 'textEncoder', ReadonlyMap<string, Tensor>>> {
  const picture = [1, PIXEL_CHANNELS, 8, 8];
  const { parameters } = editNetwork(config.unet, {
    noisy: input('noisy', picture),
    source: input('source', picture),
    timestep: input('timestep', [1]),
    text: input('text', [1, 1, config.unet.cross_attention_dim[0] ?? 1]),
  });
  const text = clipTextModel(config.textEncoder, input('ids', [1, 1], 'int32'));
  return { unet: parameters, textEncoder: text.parameters };
}

function halfTensor(name: string, shape: readonly number[], values: Float32Array | undefined) {
  if (values === undefined) throw new AuroraError('MODEL', `there are no values for the tensor "${name}"`);
  return { dtype: 'F16', shape, data: Uint16Array.from(values, toHalfBits) } as const;
}

async function hashOf(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function nativeSideOf(value: unknown, config: EditModelConfig): number {
  const multiple = sideMultipleOf(config);
  if (Number.isInteger(value) && (value as number) > 0 && (value as number) % multiple === 0)
    return value as number;
  throw new AuroraError(
    'MODEL',
    `model_index.json: native_side must be a multiple of ${multiple}, got ${value}`,
  );
}

function defaultsOf(value: unknown): EditorSettings {
  const { steps, sampler, textGuidance, imageGuidance } = (value ?? {}) as Partial<Record<string, unknown>>;
  const isScale = (scale: unknown): scale is number => Number.isFinite(scale) && (scale as number) >= 0;
  if (
    Number.isInteger(steps) &&
    samplerNames.includes(sampler as SamplerName) &&
    isScale(textGuidance) &&
    isScale(imageGuidance)
  ) {
    return { steps: steps as number, sampler: sampler as SamplerName, textGuidance, imageGuidance };
  }
  throw new AuroraError(
    'MODEL',
    'model_index.json: defaults must hold steps, sampler, textGuidance and imageGuidance',
  );
}
