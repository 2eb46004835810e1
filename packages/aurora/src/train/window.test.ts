import { Random } from '@triptych/graph';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutWindow, placeWindow } from './window.js';

const SIDE = 16;
const THRESHOLD = 8;

/** A picture and the same one with a rectangle changed. */
function pairOf(left: number, top: number, width: number, height: number): [Uint8Array, Uint8Array] {
  const before = new Uint8Array(3 * SIDE * SIDE).fill(100);
  const after = before.slice();
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) after[3 * (y * SIDE + x) + 1] = 200;
  }
  return [before, after];
}

const extent = fc.integer({ min: 1, max: SIDE });
const place = fc.record({ width: extent, height: extent }).chain(({ width, height }) =>
  fc.record({
    width: fc.constant(width),
    height: fc.constant(height),
    left: fc.integer({ min: 0, max: SIDE - width }),
    top: fc.integer({ min: 0, max: SIDE - height }),
  }),
);

describe('a window on a pair of pictures', () => {
  it('lies inside, and holds the change or is filled by it', () => {
    fc.assert(
      fc.property(place, extent, extent, fc.nat(), (change, width, height, seed) => {
        const [before, after] = pairOf(change.left, change.top, change.width, change.height);
        const corner = placeWindow(before, after, SIDE, { width, height }, THRESHOLD, new Random(seed));
        for (const [at, size, from, length] of [
          [corner.left, width, change.left, change.width],
          [corner.top, height, change.top, change.height],
        ] as const) {
          expect(at).toBeGreaterThanOrEqual(0);
          expect(at + size).toBeLessThanOrEqual(SIDE);
          const seen = Math.min(at + size, from + length) - Math.max(at, from);
          expect(seen).toBe(Math.min(size, length));
        }
      }),
    );
  });

  it('takes any place where nothing changes more than the threshold', () => {
    const before = new Uint8Array(3 * SIDE * SIDE).fill(100);
    const after = before.map((value) => value + THRESHOLD);
    const random = new Random(0);
    const lefts = Array.from(
      { length: 200 },
      () => placeWindow(before, after, SIDE, { width: 14, height: 16 }, THRESHOLD, random).left,
    );
    expect(new Set(lefts)).toEqual(new Set([0, 1, 2]));
  });

  it('cuts the rows it lies on', () => {
    const rgb = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => i % 251);
    const cut = cutWindow(rgb, SIDE, { width: 2, height: 3 }, { left: 5, top: 7 });
    expect(cut).toHaveLength(3 * 2 * 3);
    expect(cut.subarray(6, 12)).toEqual(rgb.subarray(3 * (8 * SIDE + 5), 3 * (8 * SIDE + 7)));
    expect(cutWindow(rgb, SIDE, { width: SIDE, height: SIDE }, { left: 0, top: 0 })).toEqual(rgb);
  });
});
