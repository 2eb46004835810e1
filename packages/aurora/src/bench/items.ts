import type { Scene } from '@triptych/world';
import { AuroraError } from '../errors.js';

/** What a set knows of an edit beyond the target picture. */
export interface ItemTruth {
  readonly before: Scene;
  readonly after: Scene;
  readonly kind: string;
}

/** One picture of a benchmark with what is asked of it. Paths are absolute. */
export interface BenchItem {
  /** Unique in the set; noise seeds and file names come from it. */
  readonly key: string;
  readonly task: string;
  readonly source: string;
  /** An edit whose output is shown and, with a target or a truth, measured. */
  readonly edit?: { readonly instruction: string; readonly target?: string; readonly truth?: ItemTruth };
  /** A pair of instructions for DiscEdit: one that already holds, one that asks for a change. */
  readonly disc?: { readonly noChange: string; readonly change: string };
}

/** A loaded benchmark. */
export interface BenchSet {
  /** `world`: ours, with truth. `aurora`: the layout of AURORA-Bench. */
  readonly layout: 'world' | 'aurora';
  readonly folder: string;
  readonly items: readonly BenchItem[];
}

/** Which part of a set to take. */
export interface SelectOptions {
  /** First rows of each task and kind of question; all when not given. */
  readonly rows?: number;
  /** Task names; all when not given. */
  readonly tasks?: readonly string[];
}

/**
 * A part of a set.
 * @throws AuroraError `ARGUMENT` for a task the set does not have, or rows below 1
 */
export function selectItems(set: BenchSet, { rows, tasks }: SelectOptions): BenchSet {
  const known = [...new Set(set.items.map(({ task }) => task))];
  for (const task of tasks ?? [])
    if (!known.includes(task))
      throw new AuroraError('ARGUMENT', `tasks names '${task}'; this set has ${known.join(', ')}`);
  if (rows !== undefined && (!Number.isInteger(rows) || rows < 1))
    throw new AuroraError('ARGUMENT', `rows must be a whole number from 1, not ${rows}`);
  const counts = new Map<string, number>();
  const items = set.items.filter((item) => {
    if (tasks && !tasks.includes(item.task)) return false;
    const group = `${item.task} ${item.edit ? 'edit' : 'disc'}`;
    const count = (counts.get(group) ?? 0) + 1;
    counts.set(group, count);
    return rows === undefined || count <= rows;
  });
  return { ...set, items };
}
