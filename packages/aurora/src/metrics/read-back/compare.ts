import type { Change } from './candidates.js';
import { pixelsOf, type View } from './view.js';
import { grow, localMean, meanDifference, type WorkImage } from './work-image.js';

/** How far a region has come from how it was to how it should be. */
export interface RegionFit {
  /** `old`: where the object stood and should no longer be seen; `new`: where it should be seen; `all`: everywhere. */
  readonly role: 'old' | 'new' | 'all';
  readonly id: number;
  /** Least squares share of the change that happened: 0 as before, 1 as asked, 0.5 a half-faded mix. */
  readonly share: number;
  /** Squared error, averaged over 3 x 3 pixels first, over squared change. */
  readonly error: number;
  readonly isDone: boolean;
  /** It looks different from before, however. */
  readonly isTouched: boolean;
}

/** An output against one scene it may show. */
export interface Comparison {
  readonly regions: readonly RegionFit[];
  /** Every region is as asked. */
  readonly isDone: boolean;
  /** Pixels beside the objects of the edit that look different, as a share of those pixels. */
  readonly restShare: number;
  /** Nothing else changed so that one would see it. */
  readonly restIsKept: boolean;
}

/** Limits; chosen so that blurred and noisy targets pass and half-done ones do not (read-back.test.ts). */
export const limits = {
  share: 0.7,
  error: 0.45,
  /** CIE76, mean over 5 x 5 pixels: what one sees at a glance. */
  visible: 12,
  restPixels: 5,
  minRegionPixels: 6,
  minRegionDeltaE: 4,
} as const;

interface Region {
  readonly role: RegionFit['role'];
  readonly id: number;
  readonly pixels: readonly number[];
}

/** Length of the mean difference over a whole region. */
function meanShift(a: WorkImage, b: WorkImage, pixels: readonly number[]): number {
  const sum = [0, 0, 0];
  let size = 0;
  for (const pixel of pixels) {
    let d2 = 0;
    for (let c = 0; c < 3; c++) {
      const d = a.data[3 * pixel + c]! - b.data[3 * pixel + c]!;
      sum[c]! += d;
      d2 += d * d;
    }
    size += Math.sqrt(d2);
  }
  // Half of both: a shift in one direction counts more than noise of the same length.
  return (Math.hypot(...sum) + size) / (2 * pixels.length);
}

function fit(before: View, asked: View, output: WorkImage, region: Region): RegionFit & { energy: number } {
  const { role, id, pixels } = region;
  const b = before.image.data;
  const a = asked.image.data;
  const missed = localMean(output, asked.image, pixels);
  let along = 0;
  let energy = 0;
  let error = 0;
  for (let k = 0; k < pixels.length; k++)
    for (let c = 0; c < 3; c++) {
      const i = 3 * pixels[k]! + c;
      const change = a[i]! - b[i]!;
      along += (output.data[i]! - b[i]!) * change;
      energy += change * change;
      error += missed[3 * k + c]! ** 2;
    }
  const share = energy === 0 ? 1 : along / energy;
  const relative = energy === 0 ? 0 : error / energy;
  const wanted = meanShift(asked.image, before.image, pixels);
  return {
    role,
    id,
    share,
    error: relative,
    energy: energy / pixels.length,
    isDone: share >= limits.share && relative <= limits.error,
    isTouched: meanShift(output, before.image, pixels) >= Math.max(5, Math.min(10, 0.5 * wanted)),
  };
}

/** The regions an edit is judged by: of each object its old and new place, small ones joined. */
function regionsOf(before: View, asked: View, changes: readonly Change[]): Region[] {
  if (changes.length === 0) {
    const { width, height } = asked.image;
    // Noise of pixels that hardly change must not count against those that do.
    const all = Array.from({ length: width * height }, (_, i) => i);
    const d = (i: number): number =>
      Math.hypot(...[0, 1, 2].map((c) => asked.image.data[3 * i + c]! - before.image.data[3 * i + c]!));
    const changed = all.filter((i) => d(i) > limits.minRegionDeltaE);
    return [{ role: 'all', id: -1, pixels: changed.length > 20 ? changed : all }];
  }
  const out: Region[] = [];
  for (const { id } of changes) {
    const now = pixelsOf(asked, id);
    const seen = new Set(now);
    const old = pixelsOf(before, id).filter((pixel) => !seen.has(pixel));
    const isOldSmall = old.length < limits.minRegionPixels;
    const isNowSmall = now.length < limits.minRegionPixels;
    if (isOldSmall || isNowSmall) {
      if (old.length + now.length > 0)
        out.push({ role: now.length > old.length ? 'new' : 'old', id, pixels: [...old, ...now] });
    } else out.push({ role: 'old', id, pixels: old }, { role: 'new', id, pixels: now });
  }
  return out;
}

/**
 * Compares an output with a scene it may show, against how the picture was. `changes` are the objects the edit is
 * about; without any, the whole picture is.
 */
export function compare(
  before: View,
  asked: View,
  output: WorkImage,
  changes: readonly Change[],
): Comparison {
  const { width, height } = output;
  const size = width * height;
  const zone = new Uint8Array(size);
  const wanted = regionsOf(before, asked, changes);
  const fits = wanted.map((region) => fit(before, asked, output, region));
  // Where the change itself can hardly be seen, little can be told: such regions count only when there are no others.
  const clear = fits.filter(({ energy }) => energy >= limits.minRegionDeltaE ** 2);
  const regions = clear.length > 0 ? clear : fits;
  if (changes.length > 0) {
    for (const { pixels } of wanted) for (const pixel of pixels) zone[pixel] = 1;
    for (let i = 0; i < size; i++) {
      // Shadows and reflections of the objects belong to the edit too.
      const d = Math.hypot(
        ...[0, 1, 2].map((c) => asked.image.data[3 * i + c]! - before.image.data[3 * i + c]!),
      );
      if (d > 4) zone[i] = 1;
    }
  }
  // Smoothing and half-covered pixels carry an object's colour two pixels beyond its outline.
  const skip = changes.length > 0 ? grow(grow(zone, width, height), width, height) : zone;
  const rest = meanDifference(output, asked.image, skip);
  let visible = 0;
  let kept = 0;
  for (let i = 0; i < size; i++) {
    if (skip[i]) continue;
    kept++;
    if (rest[i]! > limits.visible) visible++;
  }
  return {
    regions,
    isDone: regions.every(({ isDone }) => isDone),
    restShare: kept === 0 ? 0 : visible / kept,
    restIsKept: visible < limits.restPixels,
  };
}
