import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteScale } from './scale.js';

const MiB = 2 ** 20;

describe('byteScale', () => {
  it('shows the whole slot at the true scale', () => {
    const scale = byteScale('true', 96 * MiB, 4096, 5 * MiB);
    expect(scale.endBytes).toBe(96 * MiB);
    expect(scale.place(48 * MiB)).toBeCloseTo(0.5);
  });

  it('fits the use, in round steps', () => {
    const scale = byteScale('fit', 96 * MiB, 4096, 5 * MiB);
    expect(scale.endBytes).toBe(6 * MiB);
    expect(scale.ticks).toEqual([0, 1.25, 2.5, 3.75, 5].map((tick) => tick * MiB));
    expect(byteScale('fit', 96 * MiB, 4096, 95 * MiB).endBytes).toBe(96 * MiB);
  });

  it('never runs backwards, stays in the picture and has few ticks, whatever the sizes', () => {
    const kind = fc.constantFrom('fit' as const, 'log' as const, 'true' as const);
    const size = fc.integer({ min: 0, max: 2 ** 45 });
    fc.assert(
      fc.property(
        kind,
        size,
        fc.integer({ min: 1, max: 2 ** 21 }),
        size,
        size,
        size,
        (k, slot, unit, used, a, b) => {
          const scale = byteScale(k, slot, unit, used);
          const [low, high] = [scale.place(Math.min(a, b)), scale.place(Math.max(a, b))];
          expect(low).toBeGreaterThanOrEqual(0);
          expect(low).toBeLessThanOrEqual(high);
          expect(high).toBeLessThanOrEqual(1);
          expect(scale.ticks.length).toBeLessThanOrEqual(8);
          expect(scale.ticks[0]).toBe(0);
        },
      ),
    );
  });
});
