/**
 * Means, standard errors and agreement of ratings.
 *
 * A cell (task and model) has items i = 1..n with k_i ratings y_ij each. The mean is the mean of the item means,
 *   m_i = (1/k_i) sum_j y_ij,   m = (1/n) sum_i m_i,
 * and ratings of one item are not independent, so items are what varies (cluster-robust standard error):
 *   SE = sqrt( sum_i (m_i - m)^2 / (n (n - 1)) ).
 * It says how far the mean would move with other items of the same kind, for these raters. As m_i is in 0..100 it is
 * never above 50 / sqrt(n - 1). With n = 1 there is none.
 *
 * @module
 */

/** One rating, as statistics need it. */
export interface Rating {
  readonly task: string;
  readonly item: string;
  readonly model: string;
  /** Who rated: any name that tells raters apart. */
  readonly rater: string;
  readonly score: number;
}

/** A mean of ratings. */
export interface Mean {
  /** 0..100. */
  readonly mean: number;
  /** Undefined for one item. */
  readonly standardError: number | undefined;
  /** Items with at least one rating: the n of the standard error. */
  readonly items: number;
  readonly ratings: number;
  readonly raters: number;
}

/** A mean of one task and model. */
export interface CellMean extends Mean {
  readonly task: string;
  readonly model: string;
}

/** Mean and clustered standard error of ratings (see the module). Undefined for none. */
export function clusteredMean(ratings: readonly Rating[]): Mean | undefined {
  if (ratings.length === 0) return undefined;
  const means = [...groupBy(ratings, ({ task, item }) => JSON.stringify([task, item])).values()].map(
    (group) => average(group.map(({ score }) => score)),
  );
  const mean = average(means);
  const n = means.length;
  const squares = means.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return {
    mean,
    standardError: n < 2 ? undefined : Math.sqrt(squares / (n * (n - 1))),
    items: n,
    ratings: ratings.length,
    raters: new Set(ratings.map(({ rater }) => rater)).size,
  };
}

/** `clusteredMean` per task and model, in the order of first appearance. */
export function cellMeans(ratings: readonly Rating[]): CellMean[] {
  return [...groupBy(ratings, ({ task, model }) => JSON.stringify([task, model])).values()].map((group) => ({
    task: group[0]!.task,
    model: group[0]!.model,
    ...clusteredMean(group)!,
  }));
}

/** What is left of a mean of means. */
export interface WeightedMean {
  readonly mean: number;
  readonly standardError: number | undefined;
}

/** Mean of means that share no item: variances add, SE = sqrt(sum SE_k^2) / count. Undefined for none. */
export function meanOfMeans(means: readonly WeightedMean[]): WeightedMean | undefined {
  if (means.length === 0) return undefined;
  const variance = means.reduce((sum, { standardError }) => sum + (standardError ?? Number.NaN) ** 2, 0);
  const standardError = Math.sqrt(variance) / means.length;
  return {
    mean: average(means.map(({ mean }) => mean)),
    standardError: Number.isNaN(standardError) ? undefined : standardError,
  };
}

/** Agreement of raters beyond chance. */
export interface Agreement {
  /** Fleiss' kappa; undefined when all ratings are the same score, where chance explains everything. */
  readonly kappa: number | undefined;
  /** Share of agreeing pairs of ratings of one output, 0..1. */
  readonly observed: number;
  /** What that share would be by chance. */
  readonly expected: number;
  /** Outputs with two ratings or more; others say nothing about agreement. */
  readonly outputs: number;
}

/**
 * Fleiss' kappa (1971) of the scores as categories: (P - Pe) / (1 - Pe). P is the mean over outputs of
 * sum_c n_c (n_c - 1) / (n (n - 1)), Pe = sum_c p_c^2 with p_c the share of score c. The number n of ratings may differ
 * between outputs. Undefined when no output has two ratings.
 */
export function fleissKappa(ratings: readonly Rating[]): Agreement | undefined {
  const groups = [
    ...groupBy(ratings, ({ task, item, model }) => JSON.stringify([task, item, model])).values(),
  ].filter((group) => group.length > 1);
  if (groups.length === 0) return undefined;
  const totals = new Map<number, number>();
  let observed = 0;
  let count = 0;
  for (const group of groups) {
    const counts = new Map<number, number>();
    for (const { score } of group) counts.set(score, (counts.get(score) ?? 0) + 1);
    let pairs = 0;
    for (const [score, n] of counts) {
      totals.set(score, (totals.get(score) ?? 0) + n);
      pairs += n * (n - 1);
    }
    observed += pairs / (group.length * (group.length - 1)) / groups.length;
    count += group.length;
  }
  const expected = [...totals.values()].reduce((sum, n) => sum + (n / count) ** 2, 0);
  const kappa = totals.size === 1 ? undefined : (observed - expected) / (1 - expected);
  return { kappa, observed, expected, outputs: groups.length };
}

function groupBy<Item>(items: readonly Item[], key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
