/**
 * @module
 * How two pictures of one size differ: a share in numbers, and a heat map to look at.
 */

export interface Difference {
  /** Share of pixels that changed visibly, 0..1. */
  readonly changedShare: number;
  /** RGBA bytes: the picture after in grey, faint; changed pixels in colour, hotter for a larger change. */
  readonly heat: Uint8ClampedArray<ArrayBuffer>;
}

/** A channel must differ by more than this, of 255, to count: less is not seen, and JPEG does it by itself. */
export const VISIBLE_DIFFERENCE = 12;

/** Both RGBA, of the same length. Throws `RangeError` for pictures of different sizes. */
export function difference(before: Uint8ClampedArray, after: Uint8ClampedArray): Difference {
  if (before.length !== after.length) {
    throw new RangeError(`The pictures differ in size: ${before.length / 4} and ${after.length / 4} pixels.`);
  }
  const heat = new Uint8ClampedArray(after.length);
  let changed = 0;
  for (let at = 0; at < after.length; at += 4) {
    const r = after[at]!;
    const g = after[at + 1]!;
    const b = after[at + 2]!;
    const largest = Math.max(
      Math.abs(r - before[at]!),
      Math.abs(g - before[at + 1]!),
      Math.abs(b - before[at + 2]!),
    );
    const grey = 0.299 * r + 0.587 * g + 0.114 * b;
    heat[at + 3] = 255;
    if (largest > VISIBLE_DIFFERENCE) {
      changed++;
      const [hr, hg, hb] = heatColour(largest / 255);
      heat[at] = hr;
      heat[at + 1] = hg;
      heat[at + 2] = hb;
    } else {
      // Faint, so that one sees where the change is.
      heat[at] = heat[at + 1] = heat[at + 2] = 26 + grey * 0.3;
    }
  }
  return { changedShare: after.length === 0 ? 0 : changed / (after.length / 4), heat };
}

/** Dark vermilion over orange to a pale yellow, as the difference goes from 0 to 1. */
export function heatColour(value: number): readonly [number, number, number] {
  const stops = [
    [122, 28, 16],
    [222, 78, 36],
    [250, 170, 60],
    [255, 244, 190],
  ] as const;
  // The square root spreads the small differences, which most are.
  const place = Math.sqrt(Math.min(Math.max(value, 0), 1)) * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  const share = place - low;
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(stops[low]![channel] * (1 - share) + stops[low + 1]![channel] * share);
  return [mix(0), mix(1), mix(2)];
}
