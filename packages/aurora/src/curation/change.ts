import { aligned, type GlobalMotion } from './motion.js';
import { blurred, median, type Plane, rangeAround } from './plane.js';
import { type Regions, regionsOf } from './regions.js';

/** Where two aligned frames differ. */
export interface Change {
  readonly width: number;
  readonly height: number;
  readonly mask: Uint8Array; // [height, width], 1 changed
  /** Share of the frame that changed, 0..1. */
  readonly share: number;
  /** Share of an 8x6 grid's cells that the change reaches. */
  readonly extent: number;
  /** Connected pieces of clear change. */
  readonly regions: number;
  /** Changed area over the area of the boxes around what is connected; 0 when nothing changed. */
  readonly compactness: number;
  /** Root mean square difference away from the change, levels. */
  readonly outside: number;
}

/** Differences below this are never a change, levels. */
const leastLevel = 10;
/** Noise above this is not believed to be noise, levels. */
const mostNoise = 4;
/** What is smaller than this share of the frame is a speck. */
const speck = 0.0008;
const columns = 8;
const rows = 6;

/**
 * Finds what changed between two frames (red, green, blue each), after the second is laid over the first. A pixel
 * counts as changed when its colour is found nowhere in the 3x3 pixels around its place in the other frame, within a
 * threshold of five times the noise (measured on the pair); what then is smaller than a speck is dropped. Regions are
 * counted where the change is at least half as strong as its strongest tenth, which leaves soft shadows out.
 */
export function findChange(first: readonly Plane[], second: readonly Plane[], motion: GlobalMotion): Change {
  const a = first.map(blurred);
  const b = second.map((plane) => aligned(blurred(plane), motion));
  const { width, height } = a[0]!;
  const size = width * height;
  const threshold = Math.max(leastLevel, 5 * noiseOf(a[1]!, b[1]!));
  const excess = new Float32Array(size);
  for (const [c, plane] of a.entries()) {
    raise(plane, b[c]!, excess);
    raise(b[c]!, plane, excess);
  }
  const joined = Math.max(1, Math.round(Math.hypot(width, height) / 80));
  const least = Math.max(6, speck * size);
  const found = regionsOf(above(excess, threshold), { width, height, joined, least });
  const strengths = excess.filter((_, i) => found.mask[i] === 1).sort();
  const clear = Math.max(threshold, (strengths[Math.floor(0.9 * strengths.length)] ?? 0) / 2);
  const pieces = regionsOf(above(excess, clear), { width, height, joined: 0, least });
  return {
    width,
    height,
    mask: found.mask,
    share: found.area / size,
    extent: extentOf(found, width, height),
    // Crumbs beside something large are part of it; what has no clear piece is one region all the same.
    regions: Math.max(
      Math.min(1, found.areas.length),
      pieces.areas.filter((x) => x >= 0.04 * pieces.area).length,
    ),
    compactness: found.boxes === 0 ? 0 : Math.min(1, found.area / found.boxes),
    outside: outsideOf(a, b, found.near),
  };
}

/** Deviation of the difference as most of the frame has it, levels. */
function noiseOf(a: Plane, b: Plane): number {
  const values = new Float32Array(a.data.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const d = Math.abs(a.data[i]! - b.data[i]!);
    if (!Number.isNaN(d)) values[count++] = d;
  }
  return Math.min(mostNoise, 1.4826 * median(values.subarray(0, count)));
}

/** Raises `excess` to how far pixels of `plane` lie outside the range of their surroundings in `other`. */
function raise(plane: Plane, other: Plane, excess: Float32Array): void {
  const { low, high } = rangeAround(other, 1);
  for (let i = 0; i < excess.length; i++) {
    const level = plane.data[i]!;
    const over = Math.max(level - high[i]!, low[i]! - level);
    if (over > excess[i]!) excess[i] = over; // NaN is not
  }
}

function above(values: Float32Array, threshold: number): Uint8Array {
  return Uint8Array.from(values, (value) => (value > threshold ? 1 : 0));
}

function extentOf({ mask }: Regions, width: number, height: number): number {
  const counts = new Uint32Array(columns * rows);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++)
      if (mask[at] === 1)
        counts[Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width)]!++;
  return counts.filter((n) => n > 0).length / counts.length;
}

function outsideOf(a: readonly Plane[], b: readonly Plane[], near: Uint8Array): number {
  let energy = 0;
  let count = 0;
  for (const [c, plane] of a.entries())
    for (let i = 0; i < near.length; i++) {
      const d = plane.data[i]! - b[c]!.data[i]!;
      if (near[i] === 1 || Number.isNaN(d)) continue;
      energy += d * d;
      count++;
    }
  return count === 0 ? 0 : Math.sqrt(energy / count);
}
