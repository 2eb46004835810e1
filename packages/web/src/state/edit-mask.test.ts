import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  emptyMask,
  fillMask,
  invertMask,
  maskCoverage,
  maskTint,
  maskToAlpha,
  movePoint,
  type Point,
  stroke,
  suitableRadius,
  wholeMask,
} from './edit-mask.js';

const SIDE = 14;
const point = fc.record({
  x: fc.double({ min: -8, max: SIDE + 8, noNaN: true }),
  y: fc.double({ min: -8, max: SIDE + 8, noNaN: true }),
});
const radius = fc.double({ min: 0.5, max: 9, noNaN: true });

/** Distance of a point to a line, the slow way: the nearest of many points on it. */
function distance(at: Point, from: Point, to: Point): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (let step = 0; step <= 200; step++) {
    const share = step / 200;
    const x = from.x + (to.x - from.x) * share;
    const y = from.y + (to.y - from.y) * share;
    nearest = Math.min(nearest, Math.hypot(at.x - x, at.y - y));
  }
  return nearest;
}

it('paints what is within the radius of the line, inside the rectangle it names, and nothing else', () => {
  fc.assert(
    fc.property(point, point, radius, (from, to, r) => {
      const mask = emptyMask(SIDE, SIDE);
      const area = stroke(mask, from, to, r, 'paint');
      const wrong: string[] = [];
      for (let y = 0; y < SIDE; y++) {
        for (let x = 0; x < SIDE; x++) {
          const away = distance({ x: x + 0.5, y: y + 0.5 }, from, to);
          if (Math.abs(away - r) < 0.05) continue; // the slow way is not that exact
          const painted = mask.data[y * SIDE + x] === 255;
          const named = x >= area.left && x < area.right && y >= area.top && y < area.bottom;
          if (painted !== away < r || (painted && !named)) wrong.push(`${x},${y}`);
        }
      }
      expect(wrong).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

it('erases with the same brush what it painted', () => {
  fc.assert(
    fc.property(point, point, radius, (from, to, r) => {
      const mask = emptyMask(SIDE, SIDE);
      stroke(mask, from, to, r, 'paint');
      stroke(mask, from, to, r, 'erase');
      expect(maskCoverage(mask)).toBe(0);
    }),
  );
});

it('inverts twice to itself, and coverages add up', () => {
  const mask = emptyMask(10, 8);
  stroke(mask, { x: 3, y: 3 }, { x: 6, y: 3 }, 2, 'paint');
  const before = mask.data.slice();
  const covered = maskCoverage(mask);
  invertMask(mask);
  expect(maskCoverage(mask) + covered).toBeCloseTo(1);
  invertMask(mask);
  expect(mask.data).toEqual(before);
  fillMask(mask, 'paint');
  expect(maskCoverage(mask)).toBe(1);
  fillMask(mask, 'erase');
  expect(maskCoverage(mask)).toBe(0);
});

it('is sent with alpha 0 where the picture is edited', () => {
  const mask = emptyMask(2, 1);
  mask.data[1] = 255;
  expect([...maskToAlpha(mask)]).toEqual([0, 0, 0, 255, 0, 0, 0, 0]);
});

it('tints a rectangle of the mask', () => {
  const mask = emptyMask(3, 2);
  mask.data[4] = 255;
  const colour = [1, 2, 3, 4] as const;
  expect([...maskTint(mask, { left: 1, top: 1, right: 3, bottom: 2 }, colour)]).toEqual([
    1, 2, 3, 4, 0, 0, 0, 0,
  ]);
  expect(maskTint(mask, wholeMask(mask), colour).length).toBe(24);
  expect(maskTint(mask, { left: 2, top: 0, right: 1, bottom: 2 }, colour).length).toBe(0);
});

it('keeps the brush inside the picture, and one that can be seen', () => {
  const mask = emptyMask(6, 4);
  expect(movePoint(mask, { x: 5, y: 1 }, 9, -9)).toEqual({ x: 6, y: 0 });
  expect(suitableRadius(mask)).toBe(1);
  expect(suitableRadius(emptyMask(1200, 600))).toBe(50);
});
