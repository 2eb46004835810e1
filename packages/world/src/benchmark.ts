import { type Row, splits, writeDataset } from './dataset.js';
import { heldOutPairs } from './held-out.js';
import type { PairOptions } from './pairs.js';
import type { EditKind } from './wording.js';

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

/**
 * Writes the benchmark: eight sets of `rows` (default 200) from the test seeds, training and held-out wordings in turn
 * (`wording` in the row tells which).
 * @throws as `writeDataset`
 */
export async function writeBenchmark(options: {
  readonly folder: string;
  readonly rows?: number;
  readonly size?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { name: string; done: number; total: number }) => void;
}): Promise<Readonly<Record<string, readonly Row[]>>> {
  const { rows = 200, ...rest } = options;
  const all: Record<string, readonly Row[]> = {};
  let first: number = splits.test[0];
  for (const [name, task] of Object.entries(benchmarkTasks) as [string, PairOptions][]) {
    const seeds = [first, first + 1_000_000] as const;
    first += 1_000_000;
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
