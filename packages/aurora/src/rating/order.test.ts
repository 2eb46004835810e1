import fc from 'fast-check';
import { expect, it } from 'vitest';
import { raterOrder, williamsSequences } from './order.js';

const study = fc.record({
  items: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 40 }),
  models: fc.integer({ min: 1, max: 6 }),
  rater: fc.integer({ min: 0, max: 8 }),
  seed: fc.integer({ min: 0, max: 1e6 }),
});
const orderOf = ({ items, models, rater, seed }: typeof study extends fc.Arbitrary<infer T> ? T : never) =>
  raterOrder(
    items.map((task) => ({ task })),
    models,
    rater,
    seed,
  );

it('balances models over places and neighbours', () => {
  for (let count = 1; count <= 7; count++) {
    const sequences = williamsSequences(count);
    const places = new Map<string, number>();
    const neighbours = new Map<string, number>();
    const add = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
    for (const sequence of sequences)
      for (const [place, model] of sequence.entries()) {
        add(places, `${place} ${model}`);
        if (place > 0) add(neighbours, `${sequence[place - 1]} ${model}`);
      }
    expect([...places.values()]).toEqual(new Array(count * count).fill(sequences.length / count));
    expect(new Set(neighbours.values()).size).toBeLessThanOrEqual(1);
    expect(neighbours.size).toBe(count * (count - 1));
  }
});

it('shows every output once, the same order every time', () => {
  fc.assert(
    fc.property(study, (drawn) => {
      const order = orderOf(drawn);
      const keys = new Set(order.map(({ item, model }) => `${item} ${model}`));
      expect(order.length).toBe(drawn.items.length * drawn.models);
      expect(keys.size).toBe(order.length);
      expect(orderOf(drawn)).toEqual(order);
    }),
  );
});

it('keeps outputs of one item apart by half of the items', () => {
  fc.assert(
    fc.property(study, (drawn) => {
      const last = new Map<number, number>();
      for (const [place, { item }] of orderOf(drawn).entries()) {
        const before = last.get(item);
        if (before !== undefined)
          expect(place - before - 1).toBeGreaterThanOrEqual(Math.floor(drawn.items.length / 2));
        last.set(item, place);
      }
    }),
  );
});

it('shows each model equally often in each round, for a rater over items and for an item over raters', () => {
  const [models, items, seed] = [4, 24, 5];
  const tasks = Array.from({ length: items }, (_, i) => ({ task: i < 12 ? 'a' : 'b' }));
  const rounds = Array.from({ length: models }, (_, rater) => {
    const order = raterOrder(tasks, models, rater, seed);
    return Array.from({ length: models }, (_, round) => order.slice(round * items, (round + 1) * items));
  });
  for (const rater of rounds)
    for (const round of rater)
      for (const task of ['a', 'b'])
        for (let model = 0; model < models; model++)
          expect(round.filter((one) => one.model === model && tasks[one.item]!.task === task).length).toBe(3);
  for (let item = 0; item < items; item++)
    for (let round = 0; round < models; round++) {
      const shown = rounds.map((rater) => rater[round]!.find((one) => one.item === item)!.model);
      expect(new Set(shown).size).toBe(models);
    }
});

it('gives raters different orders', () => {
  const tasks = Array.from({ length: 10 }, () => ({ task: 'a' }));
  expect(raterOrder(tasks, 2, 0, 1)).not.toEqual(raterOrder(tasks, 2, 1, 1));
});
