import { join } from 'node:path';
import {
  bootstrapDifference,
  bootstrapMean,
  discOutcome,
  type Estimate,
  type SeedTable,
  spearman,
} from '@triptych/aurora';
import { writeFileAtomically } from '@triptych/media';
import type { JudgedRecord } from './judge.js';
import { MODELS } from './models.js';
import type { Arm } from './settings.js';

/** One number of `docs/results/aurora.json`. */
export interface ResultRow {
  readonly arm: Arm | 'copy' | 'random';
  /** A task, or a group of tasks: the mean of their means. */
  readonly task: string;
  readonly metric: string;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Items. */
  readonly n: number;
  /** Trainings; for DiscEdit times noise seeds. */
  readonly seeds: number;
}

export const ACTION_TASKS = ['action-move', 'physics', 'physics-ood'] as const;
export const REASONING_TASKS = ['relative', 'count-rotate', 'referring'] as const;
export const TASKS = ['attribute', ...ACTION_TASKS, ...REASONING_TASKS, 'global'] as const;

/** Groups of tasks whose means are averaged. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'action+reasoning': [...ACTION_TASKS, ...REASONING_TASKS],
  action: ACTION_TASKS,
  reasoning: REASONING_TASKS,
  all: TASKS,
};

/** Arms as they are reported: the models of each; A-2x stopped early has metrics with `@matched`. */
const COLUMNS: readonly {
  readonly arm: ResultRow['arm'];
  readonly suffix: string;
  readonly models: string[];
}[] = [
  { arm: 'copy', suffix: '', models: ['copy'] },
  { arm: 'random', suffix: '', models: ['random'] },
  ...(['A', 'A-2x', 'M', 'N'] as const).map((arm) => ({
    arm,
    suffix: '',
    models: MODELS.filter((model) => model.arm === arm && !model.isMatched).map(({ name }) => name),
  })),
  {
    arm: 'A-2x',
    suffix: '@matched',
    models: MODELS.filter(({ isMatched }) => isMatched).map(({ name }) => name),
  },
];

type Value = (record: JudgedRecord) => number;

const METRICS: Readonly<Record<string, Value>> = {
  'object-success': ({ scores }) => scores.objectSuccess,
  'object-score': ({ scores }) => scores.object,
  success: ({ scores }) => scores.success,
  progress: ({ scores }) => scores.progress,
  'preservation-mse': ({ scores }) => scores.preservationMse,
  'preservation-delta-e': ({ scores }) => scores.preservationDeltaE,
  l1: ({ scores }) => scores.l1,
  l2: ({ scores }) => scores.l2,
  ssim: ({ scores }) => scores.ssim,
};

const DISC_POINTS = {
  'disc-edit': { win: 1, tie: 0, loss: 0 },
  'disc-edit-ties': { win: 0, tie: 1, loss: 0 },
} as const;

/** Records by model, then by item. */
export class ResultTable {
  private readonly byModel = new Map<string, Map<string, JudgedRecord>>();

  constructor(records: readonly JudgedRecord[]) {
    for (const record of records) {
      const items = this.byModel.get(record.model) ?? new Map<string, JudgedRecord>();
      items.set(record.item, record);
      this.byModel.set(record.model, items);
    }
  }

  has(model: string): boolean {
    return this.byModel.has(model);
  }

  /** Values [trainings][items] over the items of a task that every model has: the same items for all arms. */
  table(models: readonly string[], task: string, value: Value): SeedTable {
    const items = this.itemsOf(task);
    return models.map((model) => items.map((item) => value(this.record(model, item))));
  }

  /** DiscEdit outcomes [trainings x noise seeds][items] as points. */
  discTable(
    models: readonly string[],
    task: string,
    points: Readonly<Record<'win' | 'tie' | 'loss', number>>,
  ): SeedTable {
    const [first = ''] = this.byModel.keys();
    const items = this.itemsOf(task).filter((item) => this.record(first, item).disc !== undefined);
    if (items.length === 0) return [];
    const seeds = this.record(first, items[0] ?? '').disc?.length ?? 0;
    return models.flatMap((model) =>
      Array.from({ length: seeds }, (_, seed) =>
        items.map((item) => {
          const distances = this.record(model, item).disc?.[seed];
          if (distances === undefined)
            throw new Error(`${model} has no DiscEdit of ${item}: evaluate it again`);
          return points[discOutcome(distances)];
        }),
      ),
    );
  }

  private itemsOf(task: string): string[] {
    const all = [...this.byModel.values()];
    const [first] = all;
    return [...(first?.values() ?? [])]
      .filter((record) => record.task === task && all.every((items) => items.has(record.item)))
      .map(({ item }) => item)
      .sort();
  }

  private record(model: string, item: string): JudgedRecord {
    const record = this.byModel.get(model)?.get(item);
    if (record === undefined) throw new Error(`there is no result of ${model} on ${item}`);
    return record;
  }
}

/** Every metric of every arm by task and by group, with 95 % intervals. */
export function resultRows(table: ResultTable): ResultRow[] {
  const rows: ResultRow[] = [];
  for (const { arm, suffix, models } of COLUMNS) {
    const present = models.filter((model) => table.has(model));
    if (present.length === 0) continue;
    const push = (task: string, metric: string, estimate: Omit<Estimate, 'standardError'>): void => {
      const { mean, low, high, n, seeds } = estimate;
      rows.push({ arm, task, metric: metric + suffix, mean, low, high, n, seeds });
    };
    const tables: [string, (task: string) => SeedTable][] = [
      ...Object.entries(METRICS).map(
        ([metric, value]) =>
          [metric, (task: string) => table.table(present, task, value)] satisfies [string, unknown],
      ),
      ...Object.entries(DISC_POINTS).map(
        ([metric, points]) =>
          [metric, (task: string) => table.discTable(present, task, points)] satisfies [string, unknown],
      ),
    ];
    for (const [metric, of] of tables) {
      const estimates = new Map<string, Estimate>();
      for (const task of TASKS) {
        const values = of(task);
        if ((values[0]?.length ?? 0) === 0) continue;
        const estimate = bootstrapMean(values);
        estimates.set(task, estimate);
        push(task, metric, estimate);
      }
      for (const [group, tasks] of Object.entries(GROUPS)) {
        const found = tasks.flatMap((task) => estimates.get(task) ?? []);
        if (found.length > 0) push(group, metric, meanOf(found));
      }
    }
  }
  return rows;
}

/** The mean of tasks' means. Their items are drawn apart, so their errors add as independent ones do. */
function meanOf(estimates: readonly Estimate[]): Estimate {
  const count = estimates.length;
  const mean = estimates.reduce((sum, estimate) => sum + estimate.mean, 0) / count;
  const standardError = Math.sqrt(estimates.reduce((sum, e) => sum + e.standardError ** 2, 0)) / count;
  return {
    mean,
    low: mean - 1.96 * standardError,
    high: mean + 1.96 * standardError,
    standardError,
    n: estimates.reduce((sum, { n }) => sum + n, 0),
    seeds: Math.max(...estimates.map(({ seeds }) => seeds)),
  };
}

/** A difference between two sets of models, averaged over tasks. */
export function difference(
  table: ResultTable,
  sides: readonly [readonly string[], readonly string[]],
  tasks: readonly string[],
  metric: string,
): Estimate {
  const value = METRICS[metric];
  if (value === undefined) throw new Error(`there is no metric "${metric}"`);
  const [a, b] = sides;
  return meanOf(
    tasks.map((task) => bootstrapDifference(table.table(a, task, value), table.table(b, task, value))),
  );
}

/** Models of an arm, without the one that was stopped early. */
export const modelsOf = (arm: Arm): string[] =>
  MODELS.filter((model) => model.arm === arm && !model.isMatched).map(({ name }) => name);

/** Rank correlation of a distance to the target with the object score, over all outputs of the trained models. */
export function correlations(
  records: readonly JudgedRecord[],
): Record<'l1' | 'l2' | 'ssim', number | undefined> {
  const outputs = records.filter(({ model }) => model !== 'copy' && model !== 'random');
  const objects = outputs.map(({ scores }) => scores.object);
  const against = (sign: number, of: Value): number | undefined =>
    spearman(
      outputs.map((record) => sign * of(record)),
      objects,
    );
  return {
    l1: against(-1, ({ scores }) => scores.l1),
    l2: against(-1, ({ scores }) => scores.l2),
    ssim: against(1, ({ scores }) => scores.ssim),
  };
}

/** Writes the rows as one JSON array. */
export async function writeResults(folder: string, rows: readonly ResultRow[]): Promise<void> {
  const round = (value: number): number => Number(value.toPrecision(5));
  const lines = rows.map((row) =>
    JSON.stringify({ ...row, mean: round(row.mean), low: round(row.low), high: round(row.high) }),
  );
  await writeFileAtomically(join(folder, 'aurora.json'), `[\n${lines.join(',\n')}\n]\n`);
}
