import type { Raster } from '@triptych/media';
import { channelsOf, halved, type Plane, rangeAround } from './plane.js';

/** A frame made small for looking at every step of a clip: quarter size, red, green, blue. */
export type Thumbnail = readonly Plane[];

export function thumbnailOf(frame: Raster): Thumbnail {
  return channelsOf(frame).map((plane) => halved(halved(plane)));
}

/** How far things may move from one step to the next and still be the same things, pixels of a thumbnail. */
const reach = 2;
/** Levels that a colour may differ. */
const tolerance = 18;
const cells = 6;

/**
 * How much of a step is not explained by things moving a little or by exposure: 0 for a still or smooth step, towards
 * 1 for another picture. The mean of the unexplained share of the frame and of the share of a 6x6 grid's cells that
 * hold some of it: a cut changes things everywhere, an action in one place.
 */
export function stepChange(first: Thumbnail, second: Thumbnail): number {
  const { width, height } = first[0]!;
  const unexplained = new Uint8Array(width * height);
  for (const [c, plane] of first.entries()) {
    const other = second[c]!;
    const shift = medianDifference(plane, other);
    mark(plane, other, shift, unexplained);
    mark(other, plane, -shift, unexplained);
  }
  let total = 0;
  const perCell = new Uint32Array(cells * cells);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      if (unexplained[at] === 0) continue;
      total++;
      perCell[Math.floor((y * cells) / height) * cells + Math.floor((x * cells) / width)]!++;
    }
  const least = Math.max(2, 0.06 * ((width * height) / (cells * cells)));
  const touched = perCell.reduce((count, n) => count + (n >= least ? 1 : 0), 0);
  return (total / (width * height) + touched / (cells * cells)) / 2;
}

/** Share of a thumbnail that differs clearly between two steps: how much is moving, however smoothly. */
export function activityOf(first: Thumbnail, second: Thumbnail): number {
  const size = first[0]!.data.length;
  const changed = new Uint8Array(size);
  for (const [c, plane] of first.entries()) {
    const other = second[c]!;
    const shift = medianDifference(plane, other);
    for (let i = 0; i < size; i++)
      if (Math.abs(other.data[i]! - plane.data[i]! - shift) > tolerance) changed[i] = 1;
  }
  return changed.reduce((sum, one) => sum + one, 0) / size;
}

/** Differences of a coarse selection of pixels, the middle one. */
function medianDifference(a: Plane, b: Plane): number {
  const values: number[] = [];
  for (let i = 0; i < a.data.length; i += 3) values.push(b.data[i]! - a.data[i]!);
  values.sort((x, y) => x - y);
  return Math.max(-25, Math.min(25, values[values.length >> 1]!));
}

function mark(plane: Plane, other: Plane, shift: number, unexplained: Uint8Array): void {
  const { low, high } = rangeAround(other, reach);
  for (let i = 0; i < unexplained.length; i++) {
    const level = plane.data[i]! + shift;
    if (level > high[i]! + tolerance || level < low[i]! - tolerance) unexplained[i] = 1;
  }
}

/**
 * Cut scores of a clip's steps: a step's change counts as far as it stands out from the steps around it, unless it is
 * so large that nothing else explains it.
 */
export function cutScores(steps: readonly number[]): number[] {
  return steps.map((step, i) => {
    let sum = 0;
    let count = 0;
    for (let k = Math.max(0, i - 3); k <= Math.min(steps.length - 1, i + 3); k++)
      if (k !== i) {
        sum += steps[k]!;
        count++;
      }
    const around = count === 0 ? 0 : sum / count;
    const standsOut = Math.min(1, Math.max(0, (step / (around + 0.02) - 1) / 3));
    return Math.max(step * standsOut, step > 0.6 ? step : 0);
  });
}
