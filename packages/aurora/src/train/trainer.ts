import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AdamWOptions,
  add,
  appendLog,
  BatchLoader,
  type GraphRuntime,
  input,
  learningRateAt,
  loadCheckpoint,
  log,
  Mixture,
  type MixtureSet,
  mul,
  type Parameters,
  Random,
  type Schedule,
  saveCheckpoint,
  scalar,
  scale,
  sub,
  sumAll,
  type Tensor,
  type TrainingCheckpoint,
  type TrainingSession,
} from '@triptych/graph';
import { shapesOf } from '@triptych/nets';
import { copyStart, type EditModelConfig, ofAllColours, wholeNetwork } from '../model/network.js';
import { MASK_CHANNELS, PATCH, PIXEL_CHANNELS } from '../model/pixels.js';
import type { BatchOptions } from './batches.js';
import type { Window } from './window.js';

/** One line of a training log. */
export interface EditLogLine {
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly examples: number;
  /** Time spent training so far, pauses of the process included. */
  readonly seconds: number;
  readonly [name: string]: unknown;
}

/** One run. Its result depends on these settings alone, however often it is stopped and resumed. */
export interface EditTrainingOptions {
  readonly runtime: GraphRuntime;
  readonly config: EditModelConfig;
  /** What is seen of a picture at a time: the whole, or a window around the change. Multiples of 8 pixels. */
  readonly window: Window;
  /** Sets and how often each example is drawn per pass. */
  readonly mixture: readonly MixtureSet[];
  readonly batches: Omit<BatchOptions, 'scheduler' | 'window'>;
  readonly batchSize: number;
  readonly seed: number;
  readonly schedule: Schedule;
  readonly adamw: Partial<AdamWOptions>;
  /** Names of parameters that Muon trains. */
  readonly isMuon: (name: string, shape: readonly number[]) => boolean;
  /** Share of the running average that a step keeps. */
  readonly averageDecay: number;
  /** Where checkpoint, log and snapshots go. */
  readonly folder: string;
  /** Weights to begin with instead of the copy start; the folder's own checkpoint goes first. */
  readonly start?: Readonly<Record<string, Float32Array>>;
  /** Save and stop after this step; a later call goes on from there. Default: the schedule's last. */
  readonly stopAt?: number;
  /** Whether the whole state after a step is kept in a file of its own, `snapshot-<step>.safetensors`. */
  readonly isSnapshot?: (step: number) => boolean;
  readonly checkpointEveryMs?: number;
  /** Called every so many steps with the current averages, to look at samples. */
  readonly onLine?: (line: EditLogLine, averages: Parameters) => Promise<void> | void;
  readonly signal?: AbortSignal;
}

export const CHECKPOINT_FILE = 'checkpoint.safetensors';
export const LOG_FILE = 'log.jsonl';
export const snapshotFile = (step: number): string => `snapshot-${step}.safetensors`;

/** Share of the mask's cross-entropy in the loss: about as much as the squared error once whole pictures are learned. */
const MASK_SHARE = 0.1;
/** Keeps the logarithm of a mask that is sure and wrong finite. */
const LEAST_CHANCE = 1e-4;

/**
 * The training loss and everything it learns: the squared error of the clean picture and the cross-entropy of the mask,
 * both with the batch's weights.
 */
export function editLoss(
  config: EditModelConfig,
  batch: number,
  { width, height }: Window,
): { readonly loss: Tensor; readonly parameters: ReadonlyMap<string, Tensor> } {
  const blocks = (channels: number): number[] => [batch, channels, height / PATCH, width / PATCH];
  const shape = blocks(PIXEL_CHANNELS);
  const { clean, mask, parameters } = wholeNetwork(config, {
    noisy: input('noisy', shape),
    source: input('source', shape),
    timestep: input('timestep', [batch]),
    ids: input('ids', [batch, config.textEncoder.max_position_embeddings], 'int32'),
  });
  const weight = input('weight', blocks(MASK_CHANNELS));
  const difference = sub(clean, input('target', shape));
  const weighted = mul(ofAllColours(weight), mul(difference, difference));
  const changed = input('changed', blocks(MASK_CHANNELS));
  const chance = add(mul(changed, mask), mul(sub(scalar(1), changed), sub(scalar(1), mask)));
  const surprise = mul(weight, log(add(chance, scalar(LEAST_CHANCE))));
  const pixels = batch * height * width;
  const loss = add(scale(sumAll(weighted), 1 / (3 * pixels)), scale(sumAll(surprise), -MASK_SHARE / pixels));
  return { loss, parameters };
}

/**
 * Trains from the checkpoint in the folder, or from the copy start. Returns the step that was reached: the last one, or
 * the one it was stopped at.
 */
export async function trainEditor(options: EditTrainingOptions): Promise<number> {
  const { runtime, config, folder, schedule, signal } = options;
  await mkdir(folder, { recursive: true });
  const { loss, parameters: tensors } = editLoss(config, options.batchSize, options.window);
  const start = await startOf(options, tensors);
  const parameters = await runtime.createParameters(start.parameters);
  const training = await runtime.createTraining({
    loss,
    trainable: tensors,
    parameters,
    adamw: options.adamw,
    muonNames: [...tensors].filter(([name, { shape }]) => options.isMuon(name, shape)).map(([name]) => name),
    average: { decay: options.averageDecay },
  });
  await restore(training, start);
  const mixture = new Mixture(options.mixture, options.seed);
  mixture.position = { ...mixture.position, drawn: start.moments.step * options.batchSize };
  await using loader = new BatchLoader({
    module: loaderModule(),
    options: {
      ...options.batches,
      window: options.window,
      scheduler: config.scheduler,
    } satisfies BatchOptions,
    mixture,
    batchSize: options.batchSize,
  });

  const secondsBefore = Number(start.metadata.seconds ?? 0);
  const startedAt = performance.now();
  const seconds = (): number => secondsBefore + (performance.now() - startedAt) / 1000;
  const save = async (file: string): Promise<void> => {
    const checkpoint: TrainingCheckpoint = {
      parameters: await parameters.read(),
      moments: await training.readMoments(),
      averages: await training.averages?.read(),
      metadata: { seconds: String(seconds()) },
    };
    await saveCheckpoint(join(folder, file), checkpoint, shapesOf(tensors));
  };
  const last = Math.min(options.stopAt ?? schedule.totalSteps, schedule.totalSteps);
  let step = start.moments.step;
  let savedAt = performance.now();
  while (step < last && signal?.aborted !== true) {
    const { feeds } = await loader.next();
    step++;
    const learningRate = learningRateAt(step, schedule);
    const result = await training.step(feeds, learningRate);
    if (!Number.isFinite(result.loss) || !Number.isFinite(result.gradientNorm)) {
      throw new Error(`training diverged at step ${step}: loss ${result.loss}, norm ${result.gradientNorm}`);
    }
    const line = { step, ...result, learningRate, examples: step * options.batchSize, seconds: seconds() };
    await appendLog(join(folder, LOG_FILE), line);
    if (options.isSnapshot?.(step) === true) await save(snapshotFile(step));
    if (performance.now() - savedAt > (options.checkpointEveryMs ?? 120_000)) {
      await save(CHECKPOINT_FILE);
      savedAt = performance.now();
    }
    if (training.averages !== undefined) await options.onLine?.(line, training.averages);
  }
  await save(CHECKPOINT_FILE);
  await training.release();
  await parameters.release();
  return step;
}

/** The compiled module: a worker thread cannot read TypeScript, from which tests run. */
function loaderModule(): URL {
  const beside = new URL('./batches.js', import.meta.url);
  return existsSync(beside) ? beside : new URL('../../dist/train/batches.js', import.meta.url);
}

async function startOf(
  { folder, seed, start }: EditTrainingOptions,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<TrainingCheckpoint> {
  const path = join(folder, CHECKPOINT_FILE);
  if (existsSync(path)) return loadCheckpoint(path);
  return {
    parameters: start ?? copyStart(tensors, new Random(seed)),
    moments: { step: 0, first: {}, second: {} },
    metadata: {},
  };
}

async function restore(training: TrainingSession, { moments, averages }: TrainingCheckpoint): Promise<void> {
  if (moments.step === 0) return;
  await training.writeMoments(moments);
  if (averages !== undefined) await training.averages?.write(averages);
}
