import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchItem, type BenchSet, loadWorldBenchmark } from '@triptych/aurora';
import { writeFileAtomically } from '@triptych/media';
import { benchmarkTasks, type PairOptions, splits, writeBenchmark, writeDataset } from '@triptych/world';
import { SEEDS_PER_SET, SIDE } from './settings.js';

/** First rows of each task that were looked at before the comparison was trained: it is not judged on them. */
export const SEEN_ROWS = 50;

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

/** What the comparison is judged on: the test set without the rows seen before. Each with its number within its task. */
export async function comparisonItems(work: string, signal: AbortSignal): Promise<Map<BenchItem, number>> {
  const counts = new Map<string, number>();
  const numbered = (await testSet(work, signal)).items.map((item) => {
    const row = (counts.get(item.task) ?? 0) - SEEN_ROWS;
    counts.set(item.task, row + SEEN_ROWS + 1);
    return [item, row] as const;
  });
  return new Map(numbered.filter(([, row]) => row >= 0));
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
