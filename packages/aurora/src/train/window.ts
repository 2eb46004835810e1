import type { Random } from '@triptych/graph';

/** Extents in pixels. */
export interface Window {
  readonly width: number;
  readonly height: number;
}

/** Where a window lies. */
export interface Corner {
  readonly left: number;
  readonly top: number;
}

/**
 * Places a window at random so that it holds all that differs between two pictures, or as much as it can.
 * @param before RGB bytes, rows from the top: [side, side, 3]
 * @param threshold largest difference of a colour that is none
 */
export function placeWindow(
  before: Uint8Array,
  after: Uint8Array,
  side: number,
  { width, height }: Window,
  threshold: number,
  random: Random,
): Corner {
  const columns: [number, number] = [side, -1];
  const rows: [number, number] = [side, -1];
  for (let i = 0; i < 3 * side * side; i++) {
    if (Math.abs((before[i] ?? 0) - (after[i] ?? 0)) <= threshold) continue;
    const pixel = Math.floor(i / 3);
    widen(columns, pixel % side);
    widen(rows, Math.floor(pixel / side));
  }
  return {
    left: placeSpan(columns, width, side, random),
    top: placeSpan(rows, height, side, random),
  };
}

function widen(range: [number, number], value: number): void {
  range[0] = Math.min(range[0], value);
  range[1] = Math.max(range[1], value);
}

/** A place for a span of `length` in 0..side that covers the range, or lies within it where the range is longer. */
function placeSpan(
  [low, high]: readonly [number, number],
  length: number,
  side: number,
  random: Random,
): number {
  const last = side - length;
  const isEmpty = high < low;
  const ends = isEmpty ? [0, last] : [low, high + 1 - length].sort((a, b) => a - b);
  const [from, to] = ends.map((end) => Math.min(last, Math.max(0, end))) as [number, number];
  return from + Math.floor(random.uniform() * (to - from + 1));
}

/** The bytes of a window of an RGB picture. */
export function cutWindow(
  rgb: Uint8Array,
  side: number,
  { width, height }: Window,
  { left, top }: Corner,
): Uint8Array {
  if (width === side && height === side) return rgb;
  const cut = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((top + y) * side + left);
    cut.set(rgb.subarray(from, from + 3 * width), 3 * y * width);
  }
  return cut;
}
