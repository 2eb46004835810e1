import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MergeRules, Merger } from './merge.js';
import { NumberHeap } from './number-heap.js';
import { PairTable } from './pair-table.js';

/** The slow oracle: look at all pairs, merge the lowest rank (leftmost first), start again. */
function mergeNaively(symbols: readonly number[], rules: MergeRules): number[] {
  const list = [...symbols];
  for (;;) {
    let best = -1;
    let bestRank = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < list.length; i++) {
      const rank = rules.rank(list[i]!, list[i + 1]!);
      if (rank >= 0 && rank < bestRank) [best, bestRank] = [i, rank];
    }
    if (best < 0) return list;
    list.splice(best, 2, rules.merged(list[best]!, list[best + 1]!));
  }
}

/** Rules over a small alphabet from a list of pairs; ranks may tie. */
function rulesOf(pairs: readonly (readonly [number, number, number])[]): MergeRules {
  const find = (left: number, right: number) => pairs.findIndex(([a, b]) => a === left && b === right);
  return {
    rank: (left, right) => pairs[find(left, right)]?.[2] ?? -1,
    merged: (left, right) => 4 + find(left, right),
  };
}

describe('Merger', () => {
  it('merges like the plain algorithm', () => {
    const symbol = fc.integer({ min: 0, max: 12 });
    const pairs = fc.array(fc.tuple(symbol, symbol, fc.integer({ min: 0, max: 5 })), { maxLength: 9 });
    const symbols = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 40 });
    const property = fc.property(fc.array(symbols, { minLength: 1, maxLength: 3 }), pairs, (inputs, list) => {
      const rules = rulesOf(list);
      const merger = new Merger(rules); // used for several inputs: its scratch memory must not leak between them
      for (const input of inputs) {
        const buffer = Int32Array.from(input);
        const count = merger.run(buffer, input.length);
        expect([...buffer.subarray(0, count)]).toEqual(mergeNaively(input, rules));
      }
    });
    fc.assert(property, { numRuns: 2000 });
  });

  it('does not take quadratic work on one long run', () => {
    let calls = 0;
    const rules: MergeRules = {
      rank: (left, right) => {
        calls++;
        return left === right && left < 20 ? left : -1;
      },
      merged: (left) => left + 1,
    };
    const length = 1 << 16;
    const symbols = new Int32Array(length);
    expect(new Merger(rules).run(symbols, length)).toBe(1);
    expect(symbols[0]).toBe(16);
    expect(calls).toBeLessThan(8 * length); // quadratic work would be 65536 times the length
  });
});

describe('NumberHeap', () => {
  it('pops in order', () => {
    const property = fc.property(fc.array(fc.nat()), (keys) => {
      const heap = new NumberHeap();
      for (const key of keys) heap.push(key);
      const popped = keys.map(() => heap.pop());
      expect(popped).toEqual([...keys].sort((a, b) => a - b));
      expect(heap.pop()).toBe(-1);
    });
    fc.assert(property);
  });
});

describe('PairTable', () => {
  it('finds what was added, while it grows', () => {
    const property = fc.property(
      fc.uniqueArray(fc.tuple(fc.nat(), fc.nat()), { selector: String }),
      (pairs) => {
        const table = new PairTable(1);
        for (const [i, [left, right]] of pairs.entries()) table.add(left, right, i, i * 2);
        expect(table.size).toBe(pairs.length);
        pairs.forEach(([left, right], i) => {
          const slot = table.find(left, right);
          expect([table.rankAt(slot), table.mergedAt(slot)]).toEqual([i, i * 2]);
        });
        expect(table.find(-2, 0)).toBe(-1);
      },
    );
    fc.assert(property);
  });
});
