import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchSet, loadWorldBenchmark } from '@triptych/aurora';
import { writeFileAtomically } from '@triptych/media';
import { benchmarkTasks, type PairOptions, splits, writeBenchmark, writeDataset } from '@triptych/world';
import { SEEDS_PER_SET, SIDE } from './settings.js';

/** Rows of each task on which guidance and steps are chosen. */
const VALIDATION_ROWS = 16;

/** The held-out benchmark, written when first asked for: eight tasks of 200 rows. */
export async function testSet(work: string, signal: AbortSignal): Promise<BenchSet> {
  const folder = join(work, 'benchmark');
  if (!existsSync(join(folder, 'complete'))) {
    await writeBenchmark({ folder, size: SIDE, signal });
    await markComplete(folder);
  }
  return loadWorldBenchmark(folder);
}

/** The same tasks from validation seeds in training wordings. */
export async function validationSet(work: string, signal: AbortSignal): Promise<BenchSet> {
  const folder = join(work, 'validation');
  if (!existsSync(join(folder, 'complete'))) {
    let first = splits.validation[0] + 4 * SEEDS_PER_SET;
    for (const [name, task] of Object.entries(benchmarkTasks) as [string, PairOptions][]) {
      const { wording: _training, ...options } = task;
      const seeds = [first, first + SEEDS_PER_SET] as const;
      first += SEEDS_PER_SET;
      await writeDataset({
        ...options,
        folder,
        name,
        rows: VALIDATION_ROWS,
        seeds,
        split: 'test',
        size: SIDE,
        signal,
      });
    }
    await markComplete(folder);
  }
  return loadWorldBenchmark(folder);
}

function markComplete(folder: string): Promise<void> {
  return writeFileAtomically(join(folder, 'complete'), '');
}
