import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  appendLog,
  crossEntropy,
  type GraphRuntime,
  input,
  learningRateAt,
  loadCheckpoint,
  type Moments,
  type Parameters,
  Random,
  saveCheckpoint,
  type TrainingCheckpoint,
  type TrainingSession,
} from '@triptych/graph';
import { initialLlamaWeights, llamaDecoder, llamaParameterShapes } from '@triptych/nets';
import { BatchSampler } from './batches.js';
import type { Corpus } from './corpus.js';
import { Evaluator } from './evaluate.js';
import { ADAMW, BATCH, CONTEXT, NETWORK, SEED, scheduleFor } from './settings.js';
import { readTokenizer, readTrainingTokens } from './tokens.js';

export const CHECKPOINT_FILE = 'checkpoint.safetensors';
export const LOG_FILE = 'training-log.jsonl';

/** One line of the training log. */
export interface LogLine {
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly tokensSeen: number;
  /** Time spent training so far, pauses of the process included. */
  readonly seconds: number;
  /** Nats per token on a sample of the held-out works, on some lines. Watched, never used to choose anything. */
  readonly heldOutLoss?: number;
}

export interface TrainOptions {
  readonly runtime: GraphRuntime;
  readonly corpus: Corpus;
  readonly workFolder: string;
  readonly totalSteps: number;
  /** Save and stop at this time; a later call goes on from there. */
  readonly until?: Date;
  readonly signal: AbortSignal;
  readonly onLine: (line: LogLine) => void;
}

const CHECKPOINT_EVERY_MS = 120_000;
const VALIDATE_EVERY_STEPS = 100;
const VALIDATION_WINDOWS = 64;

/** Trains from the checkpoint in the work folder, or from random weights. Returns the step that was reached. */
export async function train(options: TrainOptions): Promise<number> {
  const { runtime, workFolder, totalSteps, signal, until } = options;
  const start = await startingPoint(workFolder);
  const parameters = await runtime.createParameters(start.parameters);
  const training = await createTraining(runtime, parameters, start.moments);
  const evaluator = await Evaluator.create(runtime, parameters, await readTokenizer(workFolder));
  const sampler = new BatchSampler(await readTrainingTokens(workFolder), {
    batch: BATCH,
    context: CONTEXT,
    seed: SEED,
  });
  const schedule = scheduleFor(totalSteps);
  const secondsBefore = Number(start.metadata.seconds ?? 0);
  const startedAt = performance.now();
  const secondsNow = (): number => secondsBefore + (performance.now() - startedAt) / 1000;
  const save = (): Promise<void> =>
    saveTraining(workFolder, parameters, training, { seconds: String(secondsNow()) });

  let step = start.moments.step;
  let savedAt = performance.now();
  while (step < totalSteps && !signal.aborted && !(until !== undefined && new Date() >= until)) {
    step++;
    const learningRate = learningRateAt(step, schedule);
    const { loss, gradientNorm } = await training.step({ ...sampler.batchAt(step) }, learningRate);
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw new Error(`training diverged at step ${step} (loss ${loss}, gradient norm ${gradientNorm})`);
    }
    const isValidated = step % VALIDATE_EVERY_STEPS === 0 || step === totalSteps;
    const line: LogLine = {
      step,
      loss,
      gradientNorm,
      learningRate,
      tokensSeen: step * BATCH * CONTEXT,
      seconds: secondsNow(),
      ...(isValidated && {
        heldOutLoss: await evaluator.quickLoss(options.corpus.heldOut, VALIDATION_WINDOWS),
      }),
    };
    await appendLog(join(workFolder, LOG_FILE), line);
    options.onLine(line);
    if (performance.now() - savedAt > CHECKPOINT_EVERY_MS) {
      await save();
      savedAt = performance.now();
    }
  }
  await save();
  return step;
}

async function createTraining(
  runtime: GraphRuntime,
  parameters: Parameters,
  moments: Moments,
): Promise<TrainingSession> {
  const decoder = llamaDecoder(NETWORK, input('ids', [BATCH, CONTEXT], 'int32'));
  const loss = crossEntropy(decoder.logits, input('labels', [BATCH * CONTEXT], 'int32'));
  const training = await runtime.createTraining({
    loss,
    trainable: decoder.parameters,
    parameters,
    adamw: ADAMW,
    muonNames: [...decoder.parameters.keys()].filter((name) => name.endsWith('_proj.weight')),
  });
  if (moments.step > 0) await training.writeMoments(moments);
  return training;
}

async function startingPoint(workFolder: string): Promise<TrainingCheckpoint> {
  const path = join(workFolder, CHECKPOINT_FILE);
  if (existsSync(path)) return loadCheckpoint(path);
  return {
    parameters: initialLlamaWeights(NETWORK, new Random(SEED)),
    moments: { step: 0, first: {}, second: {} },
    metadata: {},
  };
}

async function saveTraining(
  workFolder: string,
  parameters: Parameters,
  training: TrainingSession,
  metadata: Record<string, string>,
): Promise<void> {
  const moments = await training.readMoments();
  const checkpoint = { parameters: await parameters.read(), moments, metadata };
  await saveCheckpoint(join(workFolder, CHECKPOINT_FILE), checkpoint, llamaParameterShapes(NETWORK));
}
