import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type EditLogLine,
  type EditTrainingOptions,
  LOG_FILE,
  readEditWeights,
  trainEditor,
} from '@triptych/aurora';
import { GraphRuntime, writeLogPage } from '@triptych/graph';
import { exportRun } from './export.js';
import { SamplePainter } from './samples.js';
import {
  ADAMW,
  ARMS,
  type Arm,
  AVERAGE_DECAY,
  BASE_SEED,
  BASE_STEPS,
  BATCH,
  baseSchedule,
  CHANGED_WEIGHT,
  DROPOUT_RATE,
  FALL_FRACTION,
  isMuon,
  LAST_WINDOW,
  mixtureOf,
  PURE_NOISE_SHARE,
  scheduleFor,
  WINDOW,
} from './settings.js';
import { readModelConfig } from './tokenizer.js';
import { keepLog, logOf } from './training-log.js';
import {
  BASE_MODEL,
  baseFolder,
  cachePath,
  MATCHED_FOLDER,
  runFolder,
  tokenizerFolder,
} from './work-folder.js';

/** How far a call of a training command goes. */
export interface TrainOptions {
  readonly work: string;
  readonly threads: number;
  /** Steps after the base: when the learning rate falls follows from it. */
  readonly steps: number;
  /** Save and stop after so many steps; a later call goes on. */
  readonly stopAt: number;
  readonly signal: AbortSignal;
}

/** Trains the base from the copy start and keeps it with the recipe, unless one is there. Returns the step it reached. */
export async function trainBase(options: Pick<TrainOptions, 'work' | 'threads' | 'signal'>): Promise<number> {
  if (existsSync(BASE_MODEL)) return BASE_STEPS;
  const { work } = options;
  const run = { arm: 'A', seed: BASE_SEED, folder: baseFolder(work), title: 'Base' } as const;
  const settings = { window: WINDOW, schedule: baseSchedule, stopAt: BASE_STEPS };
  const step = await trainFolder(run, options, settings);
  await exportRun({ ...run, work, run: run.folder, folder: BASE_MODEL, wantedStep: BASE_STEPS });
  await keepLog(await logOf(run.folder), join(BASE_MODEL, LOG_FILE));
  return step;
}

/** Trains one arm from its last checkpoint, or from the base. Returns the step that was reached. */
export function trainRun(arm: Arm, seed: number, options: TrainOptions): Promise<number> {
  const folder = runFolder(options.work, arm, seed);
  return trainAfterBase({ arm, seed, folder, title: `Arm ${arm}, seed ${seed}` }, options);
}

/** Trains A-2x for half of the steps: it then has seen as many attribute examples as M. */
export function trainMatched(options: TrainOptions): Promise<number> {
  const folder = join(runFolder(options.work, 'A-2x', 0), MATCHED_FOLDER);
  const half = options.steps / 2;
  return trainAfterBase(
    { arm: 'A-2x', seed: 0, folder, title: 'Arm A-2x, half of the steps' },
    { ...options, steps: half, stopAt: half },
  );
}

/** Most of the steps on small windows, those of the falling learning rate on large ones. */
async function trainAfterBase(run: Run, options: TrainOptions): Promise<number> {
  const schedule = scheduleFor(options.steps);
  const start = await readEditWeights(BASE_MODEL);
  const fall = Math.round((1 - FALL_FRACTION) * options.steps);
  const { stopAt } = options;
  const reached = await trainFolder(run, options, {
    window: WINDOW,
    schedule,
    stopAt: Math.min(fall, stopAt),
    start,
  });
  if (reached < fall || stopAt <= fall || options.signal.aborted) return reached;
  return await trainFolder(run, options, { window: LAST_WINDOW, schedule, stopAt });
}

interface Run {
  readonly arm: Arm;
  readonly seed: number;
  readonly folder: string;
  readonly title: string;
}

const SAMPLES_EVERY = 500;

async function trainFolder(
  { arm, seed, folder, title }: Run,
  { work, threads, signal }: Pick<TrainOptions, 'work' | 'threads' | 'signal'>,
  length: Pick<EditTrainingOptions, 'window' | 'schedule' | 'stopAt' | 'start'>,
): Promise<number> {
  const config = await readModelConfig(work);
  await using runtime = await GraphRuntime.start({ threads });
  const painter = await SamplePainter.create(runtime, config, work, folder);
  const recent: number[] = [];
  return await trainEditor({
    ...length,
    runtime,
    config,
    mixture: mixtureOf(arm),
    batches: {
      caches: Object.fromEntries(ARMS[arm].map((name) => [name, cachePath(work, name)])),
      tokenizerFolder: tokenizerFolder(work),
      dropoutRate: DROPOUT_RATE,
      changedWeight: CHANGED_WEIGHT,
      pureNoiseShare: PURE_NOISE_SHARE,
    },
    batchSize: BATCH,
    seed,
    adamw: ADAMW,
    isMuon,
    averageDecay: AVERAGE_DECAY,
    folder,
    signal,
    onLine: async (line, averages) => {
      recent.push(line.loss);
      if (line.step % 20 === 0) console.log(describe(title, line, recent.splice(0)));
      if (line.step % SAMPLES_EVERY !== 0 && line.step !== length.stopAt) return;
      await painter.paint(line.step, averages);
      await writeLogPage(join(folder, 'log.html'), join(folder, LOG_FILE), {
        title,
        facts: { batch: BATCH, steps: length.schedule.totalSteps, sets: ARMS[arm].join(', ') },
        charts: [
          { title: 'Loss', unit: 'weighted squared error', names: ['loss'] },
          { title: 'Gradient norm', unit: 'norm', names: ['gradientNorm'] },
          { title: 'Learning rate', unit: 'per step', names: ['learningRate'] },
        ],
        samples: await painter.samples(),
      });
    },
  });
}

function describe(title: string, line: EditLogLine, losses: readonly number[]): string {
  const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
  const { step, gradientNorm, seconds } = line;
  return `${new Date().toISOString().slice(11, 19)} ${title}: step ${step} loss ${loss.toFixed(4)} norm ${gradientNorm.toFixed(2)} ${Math.round(seconds)} s`;
}
