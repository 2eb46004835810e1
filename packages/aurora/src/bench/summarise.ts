import type { EditScores } from '../metrics/edit-judge.js';
import { type DiscOutcome, discOutcome } from './disc-edit.js';
import type { BenchRecord } from './records.js';
import type { BenchRun } from './run-benchmark.js';
import { bootstrapMean, type Estimate, type SeedTable, spearman } from './statistics.js';

/** One number of a report. */
export interface ResultRow {
  /** The model's name, or `copy`, or `random`. */
  readonly arm: string;
  /** A task, or `all`: the mean of the tasks' means. */
  readonly task: string;
  readonly metric: MetricName;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Items. */
  readonly n: number;
  /** Noise seeds for each item. */
  readonly seeds: number;
}

/** Metrics by name, with what they are of a record; undefined where a record has none. */
const values = {
  'object-success': (r) => score(r, 'objectSuccess'),
  'object-score': (r) => score(r, 'object'),
  success: (r) => score(r, 'success'),
  progress: (r) => score(r, 'progress'),
  'preservation-mse': (r) => score(r, 'preservationMse'),
  'preservation-delta-e': (r) => score(r, 'preservationDeltaE'),
  'disc-edit': (r) => outcome(r, { win: 1, tie: 0, loss: 0 }),
  'disc-edit-ties': (r) => outcome(r, { win: 0, tie: 1, loss: 0 }),
  'disc-edit-ties-half': (r) => outcome(r, { win: 1, tie: 0.5, loss: 0 }),
  l1: (r) => score(r, 'l1'),
  l2: (r) => score(r, 'l2'),
  ssim: (r) => score(r, 'ssim'),
  'clip-i': (r) => score(r, 'clipI'),
} as const satisfies Record<string, (record: BenchRecord) => number | undefined>;

/** Rank correlation with the object score, over outputs; the distances count as closeness, so all should be positive. */
const correlated = {
  'spearman-l1': ['l1', -1],
  'spearman-l2': ['l2', -1],
  'spearman-ssim': ['ssim', 1],
  'spearman-clip-i': ['clipI', 1],
} as const satisfies Record<string, readonly [keyof EditScores, number]>;

/** Names of the metrics in result rows. */
export type MetricName = keyof typeof values | keyof typeof correlated;

function score({ scores }: BenchRecord, field: keyof EditScores): number | undefined {
  const value = (scores as Partial<EditScores> | undefined)?.[field];
  return typeof value === 'number' ? value : undefined;
}

function outcome({ disc }: BenchRecord, points: Record<DiscOutcome, number>): number | undefined {
  return disc && points[discOutcome(disc)];
}

/** Values by seed and item; items without a value in every seed are left out. */
function tableOf(
  records: readonly BenchRecord[],
  value: (record: BenchRecord) => number | undefined,
): SeedTable | undefined {
  const seeds = 1 + Math.max(-1, ...records.map(({ index }) => index));
  const byItem = new Map<string, (number | undefined)[]>();
  for (const record of records) {
    const row = byItem.get(record.item) ?? new Array<number | undefined>(seeds);
    row[record.index] = value(record);
    byItem.set(record.item, row);
  }
  const complete = [...byItem.values()].filter((row): row is number[] =>
    Array.from(row).every((v) => v !== undefined),
  );
  if (complete.length === 0) return undefined;
  return Array.from({ length: seeds }, (_, s) => complete.map((row) => row[s]!));
}

/** The mean of the tasks' means; the tasks are drawn apart, so their errors add as independent ones do. */
function macro(estimates: readonly Estimate[]): Estimate {
  const count = estimates.length;
  const mean = estimates.reduce((sum, e) => sum + e.mean, 0) / count;
  const standardError = Math.sqrt(estimates.reduce((sum, e) => sum + e.standardError ** 2, 0)) / count;
  return {
    mean,
    low: mean - 1.96 * standardError,
    high: mean + 1.96 * standardError,
    standardError,
    n: estimates.reduce((sum, e) => sum + e.n, 0),
    seeds: Math.max(...estimates.map(({ seeds }) => seeds)),
  };
}

/** Rank correlations with an interval from drawing items; undefined where one side does not vary. */
function correlation(
  records: readonly BenchRecord[],
  [field, sign]: readonly [keyof EditScores, number],
): Pick<Estimate, 'mean' | 'low' | 'high' | 'n'> | undefined {
  const pairs = records.flatMap((record) => {
    const x = score(record, field);
    const y = score(record, 'object');
    return x === undefined || y === undefined ? [] : [{ item: record.item, x: sign * x, y }];
  });
  const of = (list: readonly { readonly x: number; readonly y: number }[]): number | undefined =>
    spearman(
      list.map(({ x }) => x),
      list.map(({ y }) => y),
    );
  const mean = of(pairs);
  if (mean === undefined) return undefined;
  const n = new Set(pairs.map(({ item }) => item)).size;
  // Fisher's transform with the variance for rank correlations (Fieller et al. 1957); items are the sample.
  const half = n > 3 ? 1.96 * Math.sqrt(1.06 / (n - 3)) : Number.POSITIVE_INFINITY;
  const z = Math.atanh(Math.min(0.9999, Math.max(-0.9999, mean)));
  return { mean, low: Math.tanh(z - half), high: Math.tanh(z + half), n };
}

/** Every metric of every arm by task and over all, with 95 % intervals. */
export function summarise(run: BenchRun): ResultRow[] {
  const tasks = [...new Set(run.records.map(({ task }) => task))];
  const rows: ResultRow[] = [];
  const push = (arm: string, task: string, metric: MetricName, e: Omit<Estimate, 'standardError'>): void => {
    const { mean, low, high, n, seeds } = e;
    rows.push({ arm, task, metric, mean, low, high, n, seeds });
  };
  for (const arm of ['model', 'copy', 'random'] as const) {
    const name = arm === 'model' ? run.settings.model : arm;
    const records = run.records.filter((record) => record.arm === arm);
    for (const [metric, value] of Object.entries(values) as [keyof typeof values, (typeof values)['l1']][]) {
      const estimates: Estimate[] = [];
      for (const task of tasks) {
        const table = tableOf(
          records.filter((record) => record.task === task),
          value,
        );
        if (!table) continue;
        const found = bootstrapMean(table, { seed: run.settings.seed });
        estimates.push(found);
        push(name, task, metric, found);
      }
      if (estimates.length > 0) push(name, 'all', metric, macro(estimates));
    }
    if (arm !== 'model') continue;
    for (const [metric, what] of Object.entries(correlated) as [
      keyof typeof correlated,
      (typeof correlated)['spearman-l1'],
    ][])
      for (const task of [...tasks, 'all']) {
        const found = correlation(task === 'all' ? records : records.filter((r) => r.task === task), what);
        if (found) push(name, task, metric, { ...found, seeds: run.settings.seeds });
      }
  }
  return rows;
}
