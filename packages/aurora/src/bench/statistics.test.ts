import { random } from '@triptych/world';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { discEditSummary, discOutcome } from './disc-edit.js';
import { noiseSeed } from './noise-seed.js';
import { bootstrapDifference, bootstrapMean, spearman } from './statistics.js';

const coin = (items: number, seed: number): number[] => {
  const r = random(seed, 3);
  return Array.from({ length: items }, () => (r.next() < 0.3 ? 1 : 0));
};

describe('bootstrap', () => {
  it('has the standard error of a proportion', () => {
    const values = coin(400, 1);
    const { mean, standardError, low, high, n } = bootstrapMean([values]);
    expect(standardError).toBeCloseTo(Math.sqrt((mean * (1 - mean)) / n), 2);
    expect(high - low).toBeCloseTo(2 * 1.96 * standardError, 1);
    expect(low).toBeLessThan(mean);
    expect(high).toBeGreaterThan(mean);
  });

  it('does not take four equal seeds for four times as many items', () => {
    const values = coin(200, 2);
    const one = bootstrapMean([values]);
    const four = bootstrapMean([values, values, values, values]);
    expect(four.standardError).toBeCloseTo(one.standardError, 2);
    expect(four).toMatchObject({ n: 200, seeds: 4, mean: one.mean });
  });

  it('counts how far seeds are apart', () => {
    const values = coin(200, 3);
    const spread = [values.map((v) => v - 0.3), values, values.map((v) => v + 0.3)];
    expect(bootstrapMean(spread).standardError).toBeGreaterThan(3 * bootstrapMean([values]).standardError);
  });

  it('compares the same items: what they have in common cancels', () => {
    const a = coin(200, 4);
    const b = a.map((v, i) => (i % 20 === 0 ? 1 - v : v));
    const paired = bootstrapDifference([a], [b]);
    expect(paired.standardError).toBeLessThan(0.6 * bootstrapMean([a]).standardError);
    expect(bootstrapDifference([a], [a])).toMatchObject({ mean: 0, low: 0, high: 0 });
  });

  it('covers the truth about as often as it says', () => {
    let covered = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { low, high } = bootstrapMean([coin(100, 100 + seed)], { resamples: 400, seed });
      if (low <= 0.3 && high >= 0.3) covered++;
    }
    expect(covered).toBeGreaterThan(180);
    expect(covered).toBeLessThan(199);
  });

  it('gives the same interval for the same table', () => {
    expect(bootstrapMean([coin(50, 5)])).toEqual(bootstrapMean([coin(50, 5)]));
  });

  it('refuses tables that are none', () => {
    expect(() => bootstrapMean([])).toThrow(/table is empty/);
    expect(() => bootstrapMean([[1, 2], [1]])).toThrow(/table\[1\] has 1 items/);
    expect(() => bootstrapMean([[Number.NaN]])).toThrow(/not a finite number/);
    expect(() => bootstrapDifference([[1]], [[1, 2]])).toThrow(/must be the same items/);
  });
});

describe('spearman', () => {
  it('is 1 for any rising function and -1 for any falling one', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 3 }), (x) => {
        expect(
          spearman(
            x,
            x.map((v) => v ** 3 + 2 * v),
          ),
        ).toBeCloseTo(1, 9);
        expect(
          spearman(
            x,
            x.map((v) => -v),
          ),
        ).toBeCloseTo(-1, 9);
      }),
    );
  });

  it('shares ranks among ties', () => {
    // By hand: ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4.
    expect(spearman([1, 2, 2, 3], [10, 30, 20, 40])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
  });

  it('has no value without variation', () => {
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeUndefined();
    expect(spearman([], [])).toBeUndefined();
  });
});

describe('DiscEdit', () => {
  it('is won only by staying strictly closer', () => {
    expect(discOutcome({ noChange: 1, change: 2 })).toBe('win');
    expect(discOutcome({ noChange: 2, change: 1 })).toBe('loss');
    expect(discOutcome({ noChange: 0, change: 0 })).toBe('tie');
  });

  it('shows a copying model by its ties', () => {
    const ties = Array.from({ length: 30 }, () => 'tie' as const);
    const { accuracy, ties: share, accuracyTiesHalf } = discEditSummary([ties, ties]);
    expect(accuracy).toMatchObject({ mean: 0, high: 0, n: 30, seeds: 2 });
    expect(share.mean).toBe(1);
    expect(accuracyTiesHalf.mean).toBe(0.5);
  });
});

describe('noise seeds', () => {
  it('differ between items and runs and stay what they are', () => {
    const seeds = ['a', 'b', 'c'].flatMap((item) => [0, 1, 2, 3].map((k) => noiseSeed(42, item, k)));
    expect(new Set(seeds).size).toBe(12);
    expect(noiseSeed(42, 'a', 0)).toBe(seeds[0]);
    expect(seeds.every((s) => Number.isInteger(s) && s >= 0 && s < 2 ** 32)).toBe(true);
  });
});
