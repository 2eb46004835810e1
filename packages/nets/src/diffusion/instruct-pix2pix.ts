import { type GraphRuntime, Random } from '@triptych/graph';
import type { DiffusersFolder } from '../diffusers/folder.js';
import { DiffusersNetworks } from '../diffusers/networks.js';
import { NetworkError } from '../errors.js';
import type { SchedulerConfig } from '../schedulers/config.js';
import type { Sampler } from '../schedulers/sampler.js';
import { createSampler } from '../schedulers/scheduler.js';
import { vaeFactor } from '../vae/config.js';
import { joinLatents } from './conditioning.js';
import { type GuidanceBranch, type GuidanceScales, guidanceBranches, guide } from './guidance.js';

/** A text, or token ids [tokens] as the tokenizer would give them (start, text, end, padding). */
export type Text = string | Int32Array;

/** `count` standard normal numbers for the start (`undefined`) or for one step. Called once for each, in order. */
export type NoiseSource = (count: number, step: number | undefined) => Float32Array;

/** What to edit and how. */
export interface EditRequest {
  /** [channels, height, width] in -1..1; the sides are multiples of {@link InstructPix2Pix.sideMultiple}. */
  readonly image: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly instruction: Text;
  /** What the branches without text see. Default: the empty text. */
  readonly negative?: Text;
  /** Default 20. */
  readonly steps?: number;
  /** Default: text 7.5, image 1.5. */
  readonly guidance?: Partial<GuidanceScales>;
  /** A seed, or the noise itself. Default: seed 0. */
  readonly noise?: number | NoiseSource;
  /** How to go from noise to a picture. Default: the model folder's scheduler. */
  readonly scheduler?: SchedulerConfig;
  /** Called after every step with the number of steps done. */
  readonly onStep?: (done: number, steps: number, state: StepState) => void;
}

/** What can be shown of a running edit. Arrays are [latent_channels, height / factor, width / factor]. */
export interface StepState {
  /** The result as this step predicts it, scaled as the U-Net sees it; computed when called, during the callback only. */
  readonly clean: () => Float32Array;
  /** The source in the same scale. */
  readonly source: Float32Array;
}

/** An edited image. */
export interface EditResult {
  /** [channels, height, width], about -1..1: clamp before showing. */
  readonly image: Float32Array;
  /** The final latent, scaled as the U-Net sees it: [latent_channels, height / factor, width / factor]. */
  readonly latent: Float32Array;
}

/**
 * Edits images by instruction (Brooks et al. 2023): the U-Net sees the noisy latent beside the source's latent, and each
 * prediction is guided by text and by image.
 */
export class InstructPix2Pix implements AsyncDisposable {
  /** Pixels that the sides of an image must be multiples of. */
  readonly sideMultiple: number;
  private readonly model: DiffusersFolder;
  private readonly networks: DiffusersNetworks;

  /** @throws NetworkError `invalid_config` if the U-Net does not take an image latent beside the noisy one */
  constructor(runtime: GraphRuntime, model: DiffusersFolder) {
    const latents = model.vae.config.latent_channels;
    const { in_channels: channels, out_channels: out } = model.unet.config;
    if (channels !== 2 * latents || out !== latents) {
      throw new NetworkError(
        'invalid_config',
        `unet in_channels ${channels} and out_channels ${out}: an InstructPix2Pix has ${2 * latents} and ${latents}`,
      );
    }
    this.model = model;
    this.networks = new DiffusersNetworks(runtime, model);
    this.sideMultiple = vaeFactor(model.vae.config);
  }

  /**
   * Runs one edit. The signal is looked at before every network evaluation.
   * @throws NetworkError `invalid_argument` for sizes, texts, steps or scales that do not fit; the signal's reason
   */
  async edit(request: EditRequest, signal?: AbortSignal): Promise<EditResult> {
    const { height, width, noise = 0 } = request;
    this.checkImage(request);
    const branches = guidanceBranches({
      text: request.guidance?.text ?? 7.5,
      image: request.guidance?.image ?? 1.5,
    });
    const sampler = createSampler(request.scheduler ?? this.model.scheduler, { steps: request.steps ?? 20 });
    signal?.throwIfAborted();
    const text = await this.textStates(
      request,
      branches.map(({ branch }) => branch),
    );
    signal?.throwIfAborted();
    const source = await this.networks.encodeImage(request.image, height, width);
    const factor = vaeFactor(this.model.vae.config);
    const size = { batch: branches.length, height: height / factor, width: width / factor };
    const image = concatenate(
      branches.map(({ branch }) => (branch === 'none' ? new Float32Array(source.length) : source)),
    );
    const predict = async (sample: Float32Array, timestep: number): Promise<Float32Array> => {
      signal?.throwIfAborted();
      const noisy = concatenate(branches.map(() => sample));
      const joined = joinLatents(noisy, image, branches.length);
      return guide(branches, await this.networks.predict({ sample: joined, timestep, text }, size));
    };
    const drawn = typeof noise === 'number' ? seededNoise(noise) : noise;
    const { scaling_factor: scale, shift_factor: shift } = this.model.vae.config;
    const scaledSource = this.scaled(source);
    const { onStep } = request;
    const latent = await denoise(sampler, {
      count: source.length,
      noise: drawn,
      predict,
      ...(onStep && {
        onStep: (done, steps, clean) => onStep(done, steps, { clean, source: scaledSource }),
      }),
    });
    signal?.throwIfAborted();
    const unscaled = latent.map((value) => value / scale + shift);
    return { image: await this.networks.decodeLatent(unscaled, size.height, size.width), latent };
  }

  /**
   * The picture as a latent (the mode), scaled as the U-Net sees noisy ones.
   * @param image as in {@link EditRequest}
   * @returns [latent_channels, height / factor, width / factor]
   * @throws NetworkError `invalid_argument`; the signal's reason
   */
  async encode(
    request: Pick<EditRequest, 'image' | 'height' | 'width'>,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    this.checkImage(request);
    signal?.throwIfAborted();
    return this.scaled(await this.networks.encodeImage(request.image, request.height, request.width));
  }

  /** Frees the networks' sessions. The runtime stays the caller's. */
  async release(): Promise<void> {
    await this.networks.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  private scaled(latent: Float32Array): Float32Array {
    const { scaling_factor: scale, shift_factor: shift } = this.model.vae.config;
    return latent.map((value) => (value - shift) * scale);
  }

  private checkImage({ image, height, width }: Pick<EditRequest, 'image' | 'height' | 'width'>): void {
    const { in_channels: channels } = this.model.vae.config;
    const fits = (side: number): boolean => Number.isInteger(side / this.sideMultiple) && side > 0;
    if (!fits(height) || !fits(width) || image.length !== channels * height * width) {
      throw new NetworkError(
        'invalid_argument',
        `the image must be [${channels}, height, width] with sides that ${this.sideMultiple} divides; ` +
          `got ${image.length} values for ${height} x ${width}`,
      );
    }
  }

  /** Hidden states for every branch: [branches, tokens, width]. */
  private async textStates(request: EditRequest, branches: readonly GuidanceBranch[]): Promise<Float32Array> {
    const instruction = this.idsOf(request.instruction);
    const negative = this.idsOf(request.negative ?? '', instruction.length);
    const states = await this.networks.encodeText(concatenateIds(instruction, negative), 2);
    const [full, none] = [states.subarray(0, states.length / 2), states.subarray(states.length / 2)];
    return concatenate(branches.map((branch) => (branch === 'full' ? full : none)));
  }

  private idsOf(text: Text, wantedLength?: number): Int32Array {
    const { config } = this.model.textEncoder;
    const ids = typeof text === 'string' ? this.tokenized(text) : text;
    const isOutside = (id: number): boolean => id < 0 || id >= config.vocab_size;
    if (ids.length < 1 || ids.length > config.max_position_embeddings || ids.some(isOutside)) {
      throw new NetworkError(
        'invalid_argument',
        `a text must be 1 to ${config.max_position_embeddings} ids below vocab_size ${config.vocab_size}`,
      );
    }
    if (wantedLength !== undefined && ids.length !== wantedLength) {
      throw new NetworkError(
        'invalid_argument',
        `instruction and negative must have the same length: ${wantedLength} and ${ids.length} ids`,
      );
    }
    return ids;
  }

  private tokenized(text: string): Int32Array {
    const { tokenizer, textEncoder } = this.model;
    if (tokenizer === undefined) {
      throw new NetworkError(
        'invalid_argument',
        'the model folder has no tokenizer: give token ids instead of text',
      );
    }
    const ids = tokenizer.encode(text);
    const limit = textEncoder.config.max_position_embeddings;
    if (ids.length <= limit) return ids;
    // The end token must stay the last one.
    const cut = ids.slice(0, limit);
    if (!cut.includes(tokenizer.eosId)) cut[limit - 1] = tokenizer.eosId;
    return cut;
  }
}

interface Denoising {
  /** Values of the sample. */
  readonly count: number;
  readonly noise: NoiseSource;
  /** The prediction for an input that is scaled for the network. */
  readonly predict: (scaled: Float32Array, timestep: number) => Promise<Float32Array>;
  readonly onStep?: (done: number, steps: number, clean: () => Float32Array) => void;
}

/** The sampling loop: from noise to a sample. */
async function denoise(
  sampler: Sampler,
  { count, noise, predict, onStep }: Denoising,
): Promise<Float32Array> {
  let sample: Float32Array = noise(count, undefined).map((value) => value * sampler.initialNoiseScale);
  for (const [index, timestep] of sampler.timesteps.entries()) {
    const prediction = await predict(sampler.scaleInput(sample, index), timestep);
    const fresh = sampler.needsNoise(index) ? noise(count, index) : undefined;
    const before = sample;
    sample = sampler.advance({ index, prediction, sample, noise: fresh });
    onStep?.(index + 1, sampler.timesteps.length, () => sampler.clean({ index, prediction, sample: before }));
  }
  return sample;
}

/** Noise that depends on the seed alone. */
export function seededNoise(seed: number): NoiseSource {
  const random = new Random(seed);
  return (count) => Float32Array.from({ length: count }, () => random.normal());
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

function concatenateIds(first: Int32Array, second: Int32Array): Int32Array {
  const joined = new Int32Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
