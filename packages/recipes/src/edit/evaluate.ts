import { fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchItem } from '@triptych/aurora';
import { GraphRuntime } from '@triptych/graph';
import { comparisonItems, testSet } from './benchmark.js';
import { type Candidate, type JudgedRecord, judgeItems, readJudged } from './judge.js';
import { openModel } from './models.js';
import type { Arm } from './settings.js';
import { chosenSettings, readSweep } from './sweep-results.js';

/** What a process of the evaluation is told. */
export interface ShardOptions {
  readonly work: string;
  readonly shard: number;
  readonly shards: number;
  /** Rows of each task. */
  readonly rows: number;
  /** Rows of each task whose DiscEdit question is asked. */
  readonly discRows: number;
  readonly models: readonly { readonly name: string; readonly arm: Arm }[];
}

/** Rows of each task whose outputs are kept as pictures: the first ones, whatever they show. */
export const PICTURE_ROWS = 4;

const resultsFolder = (work: string): string => join(work, 'results');
export const picturesFolder = (work: string, item: BenchItem): string =>
  join(resultsFolder(work), 'pictures', item.key.replaceAll('/', '_'));

/** Judges all models on the benchmark, in several processes; what is done already is kept. */
export async function evaluate(options: Omit<ShardOptions, 'shard'>, signal: AbortSignal): Promise<void> {
  await testSet(options.work, signal);
  const file = fileURLToPath(new URL('./evaluate-worker.js', import.meta.url));
  await Promise.all(
    Array.from(
      { length: options.shards },
      (_, shard) =>
        new Promise<void>((resolve, reject) => {
          const child = fork(file, [], { signal });
          child.on('error', reject);
          child.on('exit', (code) =>
            code === 0 ? resolve() : reject(new Error(`shard ${shard} of the evaluation ended with ${code}`)),
          );
          child.send({ ...options, shard } satisfies ShardOptions);
        }),
    ),
  );
}

/** Judges every so-many-th item. */
export async function evaluateShard(options: ShardOptions, signal: AbortSignal): Promise<void> {
  const { work, shard, shards, rows, discRows } = options;
  const rank = await comparisonItems(work, signal);
  const items = [...rank].filter(([, row]) => row < rows && row % shards === shard).map(([item]) => item);
  // The first rows of all tasks come first, so that a stopped evaluation has as many of each.
  items.sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
  const sweepRows = await readSweep(work);
  await using runtime = await GraphRuntime.start({ threads: 1 });
  const candidates: Candidate[] = [];
  for (const { name, arm } of options.models) {
    const editor = await openModel(work, name, runtime);
    candidates.push({ name, editor, settings: chosenSettings(sweepRows, arm) });
  }
  const within = (item: BenchItem, limit: number): boolean => (rank.get(item) ?? limit) < limit;
  await judgeItems({
    items,
    candidates,
    out: join(resultsFolder(work), `records-${shard}-of-${shards}.jsonl`),
    isAsked: (item) => within(item, discRows),
    pictures: (item) => (within(item, PICTURE_ROWS) ? picturesFolder(work, item) : undefined),
    onItem: (done, total) => {
      if (done % 20 === 0) console.log(`shard ${shard}: ${done} of ${total} items`);
    },
    signal,
  });
}

/** All records of all shards. */
export async function readResults(work: string, shards: number): Promise<JudgedRecord[]> {
  const records: JudgedRecord[] = [];
  for (let shard = 0; shard < shards; shard++) {
    records.push(...(await readJudged(join(resultsFolder(work), `records-${shard}-of-${shards}.jsonl`))));
  }
  return records;
}
