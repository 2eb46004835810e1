import { expect, it } from 'vitest';
import { mixDifference } from './paint-difference.js';

const pixels = (...greys: number[]) =>
  new Uint8ClampedArray(greys.flatMap((grey) => [grey, grey, grey, 255]));

it('shows changes in colour, everything else in grey, and counts them without noise', () => {
  const out = pixels(0, 0, 0, 0);
  const share = mixDifference(pixels(100, 100, 100, 100), pixels(100, 110, 200, 130), out);
  expect(share).toBe(0.5);
  const at = (index: number) => [...out.slice(4 * index, 4 * index + 3)];
  expect(at(0)).toEqual(at(1));
  expect(new Set(at(0)).size).toBe(1);
  expect(at(2)).toEqual([226, 64, 36]);
  const [red, , blue] = at(3);
  expect(red! - blue!).toBeGreaterThan(20);
});
