import { type ExternalTensor, exportOnnx, GraphRuntime, input, type Session } from '@triptych/graph';
import type { Raster } from '@triptych/media';
import {
  alphasCumprod,
  bindWeights,
  clipTextModel,
  createSampler,
  type GuidanceBranch,
  guidanceBranches,
  guide,
  parseSchedulerConfig,
  type Sampler,
  type SchedulerClass,
  type SchedulerConfig,
  seededNoise,
  type WeightedBranch,
} from '@triptych/nets';
import {
  type Editor,
  type EditorProgress,
  type EditorRequest,
  type EditorSettings,
  type SamplerName,
  samplerNames,
} from '../editor.js';
import { AuroraError } from '../errors.js';
import { type EditModelFolder, openEditModel, sideMultipleOf } from './folder.js';
import { editNetwork, noisyScale } from './network.js';
import { checkPicture, depthToSpace, PATCH, PIXEL_CHANNELS, spaceToDepth } from './pixels.js';

/** Where the networks run: on a runtime that is shared, or on one of their own with so many threads (default 1). */
export interface EmbeddedEditorOptions {
  readonly runtime?: GraphRuntime;
  readonly threads?: number;
}

/** Sessions of so many shapes are kept: the branches of guidance come in batches of one to three. */
const MOST_SESSIONS = 4;

const CLASSES: Readonly<Record<SamplerName, SchedulerClass>> = {
  ddim: 'DDIMScheduler',
  euler: 'EulerDiscreteScheduler',
  'euler-ancestral': 'EulerAncestralDiscreteScheduler',
  'dpm++': 'DPMSolverMultistepScheduler',
};

/**
 * Opens the embedded edit model. It was trained at its native side; other multiples of the side multiple run, with
 * results that get worse the further the size is from that.
 * @throws as `openEditModel`; GraphError if ONNX Runtime cannot start
 */
export async function openEmbeddedEditor(
  folder: string,
  options: EmbeddedEditorOptions = {},
): Promise<Editor> {
  const model = await openEditModel(folder);
  if (options.runtime !== undefined) return new EmbeddedEditor(model, options.runtime, false);
  return new EmbeddedEditor(model, await GraphRuntime.start({ threads: options.threads ?? 1 }), true);
}

interface RunOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EditorProgress) => void;
}

class EmbeddedEditor implements Editor {
  readonly name: string;
  readonly hash: string;
  readonly sideMultiple: number;
  readonly nativeSide: number;
  readonly defaults: EditorSettings;
  private readonly model: EditModelFolder;
  private readonly runtime: GraphRuntime;
  private readonly ownsRuntime: boolean;
  /** The most recently used last. */
  private readonly sessions = new Map<string, Session>();
  private tail: Promise<unknown> = Promise.resolve();

  constructor(model: EditModelFolder, runtime: GraphRuntime, ownsRuntime: boolean) {
    this.name = model.name;
    this.hash = model.hash;
    this.sideMultiple = sideMultipleOf(model.config);
    this.nativeSide = model.nativeSide;
    this.defaults = model.defaults;
    this.model = model;
    this.runtime = runtime;
    this.ownsRuntime = ownsRuntime;
  }

  run(request: EditorRequest, options: RunOptions = {}): Promise<Raster> {
    const result = this.tail.then(() => this.runAlone(request, options));
    this.tail = result.catch(() => undefined);
    return result;
  }

  async encode(image: Raster, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Float32Array> {
    signal?.throwIfAborted();
    checkPicture(image, this.sideMultiple);
    return spaceToDepth(image.data, image.height, image.width);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tail;
    for (const session of this.sessions.values()) await session.release();
    this.sessions.clear();
    if (this.ownsRuntime) await this.runtime.close();
  }

  private async runAlone(request: EditorRequest, { signal, onProgress }: RunOptions): Promise<Raster> {
    signal?.throwIfAborted();
    checkRequest(request, this.model.config.scheduler, this.sideMultiple);
    const { width, height, data } = request.image;
    const branches = guidanceBranches({ text: request.textGuidance, image: request.imageGuidance });
    const sampler = createSampler(schedulerFor(this.model.config.scheduler, request.sampler), {
      steps: request.steps,
    });
    const text = await this.textStates(request, branches, signal);
    const source = spaceToDepth(data, height, width);
    const sources = joined(
      branches.map(({ branch }) => (branch === 'none' ? new Float32Array(source.length) : source)),
    );
    const raster = (values: Float32Array): Raster => ({
      width,
      height,
      channels: 3,
      data: depthToSpace(values, height, width),
    });
    const alphas = alphasCumprod(this.model.config.scheduler);
    const predict = async (sample: Float32Array, timestep: number): Promise<Float32Array> => {
      signal?.throwIfAborted();
      const factor = noisyScale(alphas, timestep);
      const noisy = sample.map((value) => factor * value);
      const session = await this.unetSession(branches.length, height, width, text.length);
      const { clean } = await session.run(
        {
          noisy: joined(branches.map(() => noisy)),
          source: sources,
          timestep: new Float32Array(branches.length).fill(timestep),
          text,
        },
        undefined,
        signal,
      );
      return guide(branches, clean ?? new Float32Array());
    };
    const sample = await denoise(sampler, source.length, request.seed, predict, (step, clean) =>
      onProgress?.({ step, steps: sampler.timesteps.length, preview: () => raster(clean) }),
    );
    return raster(sample);
  }

  /** Hidden states for every branch: [branches, tokens, width]; those without text see the negative one. */
  private async textStates(
    { instruction, negative }: EditorRequest,
    branches: readonly WeightedBranch[],
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const { tokenizer } = this.model;
    const { max_position_embeddings: limit } = this.model.config.textEncoder;
    const texts: Readonly<Record<GuidanceBranch, string>> = {
      full: instruction,
      image: negative,
      none: negative,
    };
    const ids = branches.map(({ branch }) => {
      const row = tokenizer.encode(texts[branch]);
      if (row.length <= limit) return row;
      // The end token must stay the last one.
      const cut = row.slice(0, limit);
      if (!cut.includes(tokenizer.eosId)) cut[limit - 1] = tokenizer.eosId;
      return cut;
    });
    const shape = [branches.length, ids[0]?.length ?? 0];
    const session = await this.session(`text ${shape}`, () => {
      const { lastHidden, parameters } = clipTextModel(
        this.model.config.textEncoder,
        input('ids', shape, 'int32'),
      );
      const files = this.model.textFiles;
      return { outputs: { lastHidden }, weights: bindWeights(parameters, files, 'text_encoder'), files };
    });
    const flat = Int32Array.from(ids.flatMap((row) => [...row]));
    const { lastHidden } = await session.run({ ids: flat }, undefined, signal);
    return lastHidden ?? new Float32Array();
  }

  private unetSession(batch: number, height: number, width: number, textValues: number): Promise<Session> {
    const { unet } = this.model.config;
    const textWidth = unet.cross_attention_dim[0] ?? 1;
    const picture = [batch, PIXEL_CHANNELS, height / PATCH, width / PATCH];
    const text = [batch, textValues / (batch * textWidth), textWidth];
    return this.session(`unet ${picture} ${text}`, () => {
      const { clean, parameters } = editNetwork(unet, {
        noisy: input('noisy', picture),
        source: input('source', picture),
        timestep: input('timestep', [batch]),
        text: input('text', text),
      });
      const files = this.model.unetFiles;
      return { outputs: { clean }, weights: bindWeights(parameters, files, 'unet'), files };
    });
  }

  private async session(
    key: string,
    build: () => {
      readonly outputs: Parameters<typeof exportOnnx>[0];
      readonly weights: ReadonlyMap<string, ExternalTensor>;
      readonly files: { readonly folder: string };
    },
  ): Promise<Session> {
    const known = this.sessions.get(key);
    this.sessions.delete(key);
    const [oldest] = this.sessions;
    if (known === undefined && oldest !== undefined && this.sessions.size >= MOST_SESSIONS) {
      this.sessions.delete(oldest[0]);
      await oldest[1].release();
    }
    let session = known;
    if (session === undefined) {
      const { outputs, weights, files } = build();
      session = await this.runtime.load(exportOnnx(outputs, { external: weights }), {
        weightsFolder: files.folder,
      });
    }
    this.sessions.set(key, session);
    return session;
  }
}

/** The sampling loop; `onStep` sees the clean picture as predicted in this step. */
async function denoise(
  sampler: Sampler,
  count: number,
  seed: number,
  predict: (noisy: Float32Array, timestep: number) => Promise<Float32Array>,
  onStep: (done: number, clean: Float32Array) => void,
): Promise<Float32Array> {
  const noise = seededNoise(seed);
  let sample: Float32Array = noise(count, undefined).map((value) => value * sampler.initialNoiseScale);
  for (const [index, timestep] of sampler.timesteps.entries()) {
    const clean = await predict(sampler.scaleInput(sample, index), timestep);
    const fresh = sampler.needsNoise(index) ? noise(count, index) : undefined;
    sample = sampler.advance({ index, prediction: clean, sample, noise: fresh });
    onStep(index + 1, clean);
  }
  return sample;
}

/** The model's schedule, run as another class would. */
function schedulerFor(config: SchedulerConfig, sampler: SamplerName): SchedulerConfig {
  return parseSchedulerConfig({ ...config, trained_betas: config.trained_betas ?? null }, CLASSES[sampler]);
}

function checkRequest(request: EditorRequest, scheduler: SchedulerConfig, multiple: number): void {
  const { steps, sampler, seed, image } = request;
  checkPicture(image, multiple);
  const problem =
    !Number.isInteger(steps) || steps < 1 || steps > scheduler.num_train_timesteps
      ? `steps must be a whole number from 1 to ${scheduler.num_train_timesteps}, got ${steps}`
      : !samplerNames.includes(sampler)
        ? `sampler must be one of ${samplerNames.join(', ')}, got ${sampler}`
        : !Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32
          ? `seed must be a whole number from 0 to 2^32 - 1, got ${seed}`
          : (['textGuidance', 'imageGuidance'] as const)
              .filter((name) => !Number.isFinite(request[name]) || request[name] < 0)
              .map((name) => `${name} must be a number of at least 0, got ${request[name]}`)[0];
  if (problem !== undefined) throw new AuroraError('ARGUMENT', problem);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const [first] = parts;
  if (first === undefined) return new Float32Array();
  const whole = new Float32Array(first.length * parts.length);
  for (const [index, part] of parts.entries()) whole.set(part, index * first.length);
  return whole;
}
