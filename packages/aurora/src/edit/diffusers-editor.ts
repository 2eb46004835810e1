import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { GraphRuntime } from '@triptych/graph';
import { checkRaster, fromFloat, type Raster, resizeImage, toFloat } from '@triptych/media';
import {
  type DiffusersFolder,
  InstructPix2Pix,
  NetworkError,
  parseSchedulerConfig,
  type SchedulerClass,
  type SchedulerConfig,
  type StepState,
  vaeFactor,
} from '@triptych/nets';
import type { Editor, EditorProgress, EditorRequest, EditorSettings, SamplerName } from '../editor.js';
import { AuroraError } from '../errors.js';
import { fitLatentPreview } from './latent-preview.js';

const classes: Readonly<Record<SamplerName, SchedulerClass>> = {
  ddim: 'DDIMScheduler',
  euler: 'EulerDiscreteScheduler',
  'euler-ancestral': 'EulerAncestralDiscreteScheduler',
  'dpm++': 'DPMSolverMultistepScheduler',
};

/** Strengths of the paper (Brooks et al. 2023); fewer steps than its 100, for processors. */
const defaults = { steps: 20, textGuidance: 7.5, imageGuidance: 1.5 };

/** An InstructPix2Pix model in diffusers' layout, or one safetensors file. */
export class DiffusersEditor implements Editor {
  readonly name: string;
  readonly note: string | undefined;
  readonly hash: string;
  readonly sideMultiple: number;
  readonly nativeSide: number;
  readonly defaults: EditorSettings;
  readonly #model: DiffusersFolder;
  readonly #network: InstructPix2Pix;
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(
    facts: Pick<Editor, 'name' | 'hash' | 'nativeSide'>,
    model: DiffusersFolder,
    network: InstructPix2Pix,
  ) {
    this.name = facts.name;
    this.note = noteOn(model);
    this.hash = facts.hash;
    this.sideMultiple = network.sideMultiple;
    this.nativeSide = facts.nativeSide;
    this.defaults = { ...defaults, sampler: samplerOf(model.scheduler) };
    this.#model = model;
    this.#network = network;
  }

  /**
   * Reads every weight once for the hash; networks are prepared when they first run.
   * @param latentSide side of the latents the U-Net was trained on (`sample_size`)
   * @param runtime stays the caller's
   * @throws AuroraError `MODEL` for models that are not of this kind or lack a tokenizer
   */
  static async create(
    path: string,
    model: DiffusersFolder,
    latentSide: number,
    runtime: GraphRuntime,
  ): Promise<DiffusersEditor> {
    if (model.tokenizer === undefined)
      throw new AuroraError(
        'MODEL',
        `${path} has no tokenizer: put CLIP's vocab.json and merges.txt into tokenizer/ (or beside the file)`,
      );
    const network = asModelError(path, () => new InstructPix2Pix(runtime, model));
    const facts = {
      name: basename(resolve(path)).replace(/\.safetensors$/, ''),
      hash: await hashOf(model),
      nativeSide: latentSide * vaeFactor(model.vae.config),
    };
    return new DiffusersEditor(facts, model, network);
  }

  run(
    request: EditorRequest,
    options: { readonly signal?: AbortSignal; readonly onProgress?: (progress: EditorProgress) => void } = {},
  ): Promise<Raster> {
    const result = this.#tail.then(() => this.#runAlone(request, options));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async encode(image: Raster, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Float32Array> {
    const { width, height, data } = pixelsOf(image);
    return this.#guard(() => this.#network.encode({ image: data, width, height }, signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail;
    await this.#network.release();
  }

  async #runAlone(
    request: EditorRequest,
    {
      signal,
      onProgress,
    }: { readonly signal?: AbortSignal; readonly onProgress?: (progress: EditorProgress) => void },
  ): Promise<Raster> {
    signal?.throwIfAborted();
    const { width, height, data } = pixelsOf(request.image);
    const factor = vaeFactor(this.#model.vae.config);
    const small =
      onProgress && (await resizeImage(request.image, { width: width / factor, height: height / factor }));
    let toPicture: ((latent: Float32Array) => Raster) | undefined;
    const preview = (state: StepState): Raster => {
      toPicture ??= fitLatentPreview(state.source, small!);
      return toPicture(state.clean());
    };
    const { image } = await this.#guard(() =>
      this.#network.edit(
        {
          image: data,
          width,
          height,
          instruction: request.instruction,
          negative: request.negative,
          steps: request.steps,
          guidance: { text: request.textGuidance, image: request.imageGuidance },
          noise: request.seed,
          scheduler: schedulerFor(this.#model.scheduler, request.sampler),
          ...(onProgress && {
            onStep: (step, steps, state) => onProgress({ step, steps, preview: () => preview(state) }),
          }),
        },
        signal,
      ),
    );
    return fromFloat({ width, height, channels: 3, data: image });
  }

  async #guard<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      const code = error.code === 'invalid_argument' ? 'ARGUMENT' : 'MODEL';
      throw new AuroraError(code, error.message, { cause: error });
    }
  }
}

function pixelsOf(image: Raster): {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
} {
  checkRaster(image);
  if (image.channels !== 3)
    throw new AuroraError('ARGUMENT', `image must be RGB, not of ${image.channels} channels`, {
      field: 'image',
    });
  return toFloat(image);
}

/** The folder's schedule, run as another class would. */
function schedulerFor(config: SchedulerConfig, sampler: SamplerName): SchedulerConfig {
  const name = classes[sampler];
  if (name === config._class_name) return config;
  return parseSchedulerConfig({ ...config, trained_betas: config.trained_betas ?? null }, name);
}

function samplerOf({ _class_name: name }: SchedulerConfig): SamplerName {
  const found = Object.entries(classes).find(([, className]) => className === name);
  return (found?.[0] ?? 'euler-ancestral') as SamplerName;
}

function noteOn({ missingScheduler }: DiffusersFolder): string | undefined {
  if (missingScheduler === undefined) return undefined;
  return `Its own ${missingScheduler} is not built here: the sampler is ddim, on the same betas, unless another is asked for.`;
}

/** SHA-256 over all weight files, in the order U-Net, autoencoder, text encoder. */
async function hashOf(model: DiffusersFolder): Promise<string> {
  const parts = [model.unet, model.vae, model.textEncoder];
  const paths = parts.flatMap(({ files }) =>
    [...new Set([...files.tensors.values()].map(({ file }) => file))]
      .sort()
      .map((file) => join(files.folder, file)),
  );
  const hash = createHash('sha256');
  for (const path of new Set(paths))
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
      hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function asModelError<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof NetworkError)) throw cause;
    throw new AuroraError('MODEL', `${path}: ${cause.message}`, { cause });
  }
}
