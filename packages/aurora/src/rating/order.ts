import { type Random, random } from '@triptych/world';

/** An item as the order sees it. */
export interface OrderItem {
  readonly task: string;
}

/** One trial: which item, which model, both as indices. */
export interface Trial {
  readonly item: number;
  readonly model: number;
}

/**
 * Sequences of `count` models in which every model stands at every place equally often and follows every other one
 * equally often (Williams 1949): `count` sequences when that is even, twice as many when it is odd.
 */
export function williamsSequences(count: number): number[][] {
  const zigzag = Array.from({ length: count }, (_, i) => (i % 2 === 0 ? count - i / 2 : (i + 1) / 2) % count);
  const shifted = (sequence: number[]): number[][] =>
    Array.from({ length: count }, (_, shift) => sequence.map((model) => (model + shift) % count));
  return count % 2 === 0 ? shifted(zigzag) : [...shifted(zigzag), ...shifted([...zigzag].reverse())];
}

/**
 * The order in which one rater sees everything: as many rounds as there are models, each with every item once. Which
 * model an item shows in which round comes from a Williams design that moves on by one with every rater, so over
 * raters each model is seen first, second, … equally often. Items are shuffled per rater and round, each half of the
 * items within itself: between two outputs of one item lie others, at least half the items (rounded down).
 *
 * @param rater 0 for who joined first
 * @param seed the study's
 */
export function raterOrder(
  items: readonly OrderItem[],
  models: number,
  rater: number,
  seed: number,
): Trial[] {
  const sequences = williamsSequences(models);
  const place = placesInDesign(items, random(seed, 0));
  const r = random(seed, rater + 1);
  const all = r.shuffle(items.map((_, index) => index));
  const middle = Math.ceil(all.length / 2);
  const halves = [all.slice(0, middle), all.slice(middle)];
  const trials: Trial[] = [];
  for (let round = 0; round < models; round++)
    for (const half of halves)
      for (const item of r.shuffle(half)) {
        const sequence = sequences[(place[item]! + rater) % sequences.length]!;
        trials.push({ item, model: sequence[round]! });
      }
  return trials;
}

/** Numbers the items, task by task and shuffled within: the sequences are dealt evenly inside every task. */
function placesInDesign(items: readonly OrderItem[], r: Random): number[] {
  const byTask = new Map<string, number[]>();
  for (const [index, { task }] of items.entries()) byTask.set(task, [...(byTask.get(task) ?? []), index]);
  const places: number[] = new Array(items.length);
  let place = 0;
  for (const members of byTask.values()) for (const index of r.shuffle(members)) places[index] = place++;
  return places;
}
