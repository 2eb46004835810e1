import { random } from '@triptych/world';
import { AuroraError } from '../errors.js';

/**
 * Values of one metric by seed and item. Rows are seeds (trainings of an arm, or noise seeds of one model), columns are
 * items; every row has the same items in the same order.
 */
export type SeedTable = readonly (readonly number[])[]; // [seeds][items]

/** A mean with its interval. */
export interface Estimate {
  readonly mean: number;
  /** Percentile bootstrap interval. */
  readonly low: number;
  readonly high: number;
  /** Standard deviation of the bootstrap means. */
  readonly standardError: number;
  /** Items; what each seed gave for an item is not counted again. */
  readonly n: number;
  readonly seeds: number;
}

/** How to bootstrap. */
export interface BootstrapOptions {
  /** Default 2000. */
  readonly resamples?: number;
  /** Default 0: the same table gives the same interval. */
  readonly seed?: number;
  /** Default 0.95. */
  readonly level?: number;
}

function checkTable(name: string, table: SeedTable): { seeds: number; items: number } {
  const items = table[0]?.length ?? 0;
  if (table.length === 0 || items === 0)
    throw new AuroraError('ARGUMENT', `${name} is empty: give at least one seed with one item`);
  for (const [i, row] of table.entries()) {
    if (row.length !== items)
      throw new AuroraError('ARGUMENT', `${name}[${i}] has ${row.length} items, ${name}[0] has ${items}`);
    if (!row.every(Number.isFinite))
      throw new AuroraError('ARGUMENT', `${name}[${i}] holds a value that is not a finite number`);
  }
  return { seeds: table.length, items };
}

/** Mean over seeds, by item, for drawn seeds. */
function itemMeans(table: SeedTable, drawn: readonly number[], out: Float64Array): void {
  out.fill(0);
  for (const s of drawn) {
    const row = table[s]!;
    for (let i = 0; i < out.length; i++) out[i]! += row[i]!;
  }
  for (let i = 0; i < out.length; i++) out[i]! /= drawn.length;
}

function estimate(
  tables: readonly { readonly table: SeedTable; readonly sign: 1 | -1 }[],
  options: BootstrapOptions,
): Estimate {
  const { resamples = 2000, seed = 0, level = 0.95 } = options;
  const items = tables[0]!.table[0]!.length;
  const r = random(seed, 7);
  const means = tables.map(() => new Float64Array(items));
  const difference = new Float64Array(items);
  const combine = (draw: (seeds: number) => number[]): void => {
    difference.fill(0);
    tables.forEach(({ table, sign }, t) => {
      itemMeans(table, draw(table.length), means[t]!);
      for (let i = 0; i < items; i++) difference[i]! += sign * means[t]![i]!;
    });
  };
  const every = (seeds: number): number[] => Array.from({ length: seeds }, (_, s) => s);
  combine(every);
  const mean = difference.reduce((sum, v) => sum + v, 0) / items;
  const isSeeded = tables.some(({ table }) => table.length > 1);
  const drawn = Float64Array.from({ length: resamples }, () => {
    if (isSeeded) combine((seeds) => every(seeds).map(() => r.index(seeds)));
    let sum = 0;
    for (let i = 0; i < items; i++) sum += difference[r.index(items)]!;
    return sum / items;
  }).sort();
  const centre = drawn.reduce((sum, v) => sum + v, 0) / resamples;
  const variance = drawn.reduce((sum, v) => sum + (v - centre) ** 2, 0) / Math.max(1, resamples - 1);
  const at = (share: number): number =>
    drawn[Math.min(resamples - 1, Math.max(0, Math.round(share * (resamples - 1))))]!;
  return {
    mean,
    low: at((1 - level) / 2),
    high: at((1 + level) / 2),
    standardError: Math.sqrt(variance),
    n: items,
    seeds: Math.max(...tables.map(({ table }) => table.length)),
  };
}

/**
 * Mean of a table with a bootstrap interval in which items and seeds are both random: each resample draws items and, when
 * there are several, seeds with replacement (crossed, Owen 2007). What several seeds gave for one item stays together, so
 * an item is never counted as several. With few seeds (3) the part that comes from seeds is estimated too small by about
 * (seeds - 1) / seeds.
 *
 * @throws AuroraError `ARGUMENT` for an empty table, rows of different length or values that are not finite
 */
export function bootstrapMean(table: SeedTable, options: BootstrapOptions = {}): Estimate {
  checkTable('table', table);
  return estimate([{ table, sign: 1 }], options);
}

/**
 * Mean of a - b over the same items: items are drawn together, seeds of each side by themselves.
 * @throws AuroraError `ARGUMENT` as `bootstrapMean`, or when the tables have not as many items
 */
export function bootstrapDifference(a: SeedTable, b: SeedTable, options: BootstrapOptions = {}): Estimate {
  const { items } = checkTable('a', a);
  const other = checkTable('b', b).items;
  if (items !== other)
    throw new AuroraError('ARGUMENT', `a has ${items} items and b ${other}: they must be the same items`);
  return estimate(
    [
      { table: a, sign: 1 },
      { table: b, sign: -1 },
    ],
    options,
  );
}

/** Ranks from 1; equal values share the mean of theirs. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const out = new Array<number>(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let k = from; k < to; k++) out[order[k]!] = (from + to + 1) / 2;
    from = to;
  }
  return out;
}

/**
 * Spearman's rank correlation, ties by mean rank; undefined for fewer than two pairs or a side without variation.
 * @throws AuroraError `ARGUMENT` when the sides are of different length
 */
export function spearman(x: readonly number[], y: readonly number[]): number | undefined {
  if (x.length !== y.length)
    throw new AuroraError('ARGUMENT', `x has ${x.length} values and y ${y.length}: they must be pairs`);
  const a = ranks(x);
  const b = ranks(y);
  const middle = (x.length + 1) / 2;
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    const da = a[i]! - middle;
    const db = b[i]! - middle;
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return aa === 0 || bb === 0 ? undefined : ab / Math.sqrt(aa * bb);
}
