import { type Row, splits, writeDataset } from './dataset.js';
import { heldOutPairs } from './held-out.js';
import type { PairOptions } from './pairs.js';
import { diagnosticKinds, type EditKind } from './wording.js';

const attribute: readonly EditKind[] = ['recolour', 'resize', 'rematerial', 'reshape'];

/** The eight held-out tasks. */
export const benchmarkTasks = {
  attribute: { kinds: attribute },
  'action-move': { kinds: ['move', 'swap', 'closer', 'apart'] },
  physics: { kinds: ['drop', 'push', 'knock', 'fall', 'roll'] },
  'physics-ood': { kinds: ['roll', 'fall'], scene: { layout: 'unseen' } },
  relative: { kinds: ['relate'], scene: { require: heldOutPairs } },
  'count-rotate': { kinds: ['add', 'add-count', 'remove', 'remove-all', 'turn', 'flip'] },
  referring: { kinds: [...attribute, 'remove', 'move'], relational: true, scene: { view: 'test' } },
  global: { kinds: ['floor', 'light', 'night'] },
} as const satisfies Record<string, PairOptions>;

/** What is measured beside the benchmark: how a model takes kinds that no training set holds. */
export const diagnosticTasks = {
  viewpoint: { kinds: diagnosticKinds },
} as const satisfies Record<string, PairOptions>;

/** Where to write a benchmark, and how much. */
export interface BenchmarkOptions {
  readonly folder: string;
  /** Of each task; default 200. */
  readonly rows?: number;
  readonly size?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { name: string; done: number; total: number }) => void;
}

const seedsPerTask = 1_000_000;

/** The tasks in turn, each from seeds of its own. */
async function writeTasks(
  tasks: Readonly<Record<string, PairOptions>>,
  firstSeed: number,
  { rows = 200, ...rest }: BenchmarkOptions,
): Promise<Readonly<Record<string, readonly Row[]>>> {
  const all: Record<string, readonly Row[]> = {};
  let first = firstSeed;
  for (const [name, task] of Object.entries(tasks)) {
    const seeds = [first, first + seedsPerTask] as const;
    first += seedsPerTask;
    all[name] = await writeDataset({
      ...rest,
      ...task,
      name,
      rows,
      seeds,
      split: 'test',
      wording: 'alternate',
    });
  }
  return all;
}

/**
 * Writes the benchmark: eight sets of `rows` (default 200) from the test seeds, training and held-out wordings in turn
 * (`wording` in the row tells which).
 * @throws as `writeDataset`
 */
export const writeBenchmark = (
  options: BenchmarkOptions,
): Promise<Readonly<Record<string, readonly Row[]>>> => writeTasks(benchmarkTasks, splits.test[0], options);

/**
 * Writes the diagnostic tasks the same way, from test seeds that the benchmark never uses. Give it a folder of its own:
 * what reads a benchmark takes every task in its folder.
 * @throws as `writeDataset`
 */
export const writeDiagnostics = (
  options: BenchmarkOptions,
): Promise<Readonly<Record<string, readonly Row[]>>> =>
  writeTasks(diagnosticTasks, splits.test[0] + 100 * seedsPerTask, options);
