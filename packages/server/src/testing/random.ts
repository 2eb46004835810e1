/**
 * @module
 * A small seeded generator for tests (mulberry32): same seed, same series, on every machine.
 */

export interface Random {
  /** In [0, 1). */
  uniform(): number;
  /** Integer in [0, end). */
  below(end: number): number;
  chance(probability: number): boolean;
  /** One of `items`, which must not be empty. */
  pick<Item>(items: readonly Item[]): Item;
}

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(uniform() * end);
  return {
    uniform,
    below,
    chance: (probability) => uniform() < probability,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
  };
}
