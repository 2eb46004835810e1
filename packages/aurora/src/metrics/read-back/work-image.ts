import type { Raster } from '@triptych/media';
import { toLab } from '../lab.js';

/** A picture as the read-back looks at it: small, smoothed, CIE L*a*b*. */
export interface WorkImage {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array; // [height, width, 3]
}

/** Pictures are brought near this many pixels on the shorter side: states can be told there, and it bounds the cost. */
export const workSide = 64;

/** The whole factor by which a picture is made smaller. */
export function workFactor({ width, height }: { readonly width: number; readonly height: number }): number {
  return Math.max(1, Math.floor(Math.min(width, height) / workSide));
}

function shrink(raster: Raster, factor: number): Raster {
  if (factor === 1) return raster;
  const width = Math.floor(raster.width / factor);
  const height = Math.floor(raster.height / factor);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let j = 0; j < factor; j++)
          for (let i = 0; i < factor; i++)
            sum += raster.data[3 * ((y * factor + j) * raster.width + x * factor + i) + c]!;
        data[3 * (y * width + x) + c] = Math.round(sum / (factor * factor));
      }
  return { width, height, channels: 3, data };
}

/** Binomial 1-2-1 in both directions: one pixel of noise or of edge softness must not decide anything. */
function smooth(data: Float32Array, width: number, height: number): Float32Array {
  const across = new Float32Array(data.length);
  const out = new Float32Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const left = 3 * (y * width + Math.max(0, x - 1));
      const at = 3 * (y * width + x);
      const right = 3 * (y * width + Math.min(width - 1, x + 1));
      for (let c = 0; c < 3; c++)
        across[at + c] = (data[left + c]! + 2 * data[at + c]! + data[right + c]!) / 4;
    }
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const up = 3 * (Math.max(0, y - 1) * width + x);
      const at = 3 * (y * width + x);
      const down = 3 * (Math.min(height - 1, y + 1) * width + x);
      for (let c = 0; c < 3; c++)
        out[at + c] = (across[up + c]! + 2 * across[at + c]! + across[down + c]!) / 4;
    }
  return out;
}

/** A work image smoothed once more: what a softer output of the same scene looks like. */
export function softer({ width, height, data }: WorkImage): WorkImage {
  return { width, height, data: smooth(data, width, height) };
}

/** RGB picture to work image. */
export function toWorkImage(raster: Raster): WorkImage {
  const small = shrink(raster, workFactor(raster));
  const { width, height } = small;
  return { width, height, data: smooth(toLab(small), width, height) };
}

/** Sum of squared differences. */
export function distance(a: WorkImage, b: WorkImage): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i]! - b.data[i]!) ** 2;
  return sum;
}

/** Squared distances of one picture to two others, over the pixels where these two differ. */
export function distancesWhereDifferent(
  output: WorkImage,
  a: WorkImage,
  b: WorkImage,
): { readonly toA: number; readonly toB: number } {
  let toA = 0;
  let toB = 0;
  for (let i = 0; i < output.data.length; i += 3) {
    let between = 0;
    let da = 0;
    let db = 0;
    for (let c = i; c < i + 3; c++) {
      between += (a.data[c]! - b.data[c]!) ** 2;
      da += (output.data[c]! - a.data[c]!) ** 2;
      db += (output.data[c]! - b.data[c]!) ** 2;
    }
    if (between < 4) continue;
    toA += da;
    toB += db;
  }
  return { toA, toB };
}

/**
 * Length of the mean colour difference around each pixel (5 x 5), over pixels not in `skip`. Differences are averaged
 * with their signs: blur and noise cancel, a thing that is gone or has another colour does not. 0 inside `skip`.
 */
export function meanDifference(a: WorkImage, b: WorkImage, skip: Uint8Array): Float32Array {
  const { width, height } = a;
  const stride = width + 1;
  const sums = [0, 1, 2, 3].map(() => new Float64Array(stride * (height + 1))); // summed areas: L, a, b, count
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const to = (y + 1) * stride + x + 1;
      const isIn = skip[at] === 0;
      for (let c = 0; c < 4; c++) {
        const value = !isIn ? 0 : c === 3 ? 1 : a.data[3 * at + c]! - b.data[3 * at + c]!;
        const s = sums[c]!;
        s[to] = value + s[to - 1]! + s[to - stride]! - s[to - stride - 1]!;
      }
    }
  const out = new Float32Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (skip[at] !== 0) continue;
      const x0 = Math.max(0, x - 2),
        x1 = Math.min(width, x + 3),
        y0 = Math.max(0, y - 2),
        y1 = Math.min(height, y + 3);
      const box = (s: Float64Array) =>
        s[y1 * stride + x1]! - s[y0 * stride + x1]! - s[y1 * stride + x0]! + s[y0 * stride + x0]!;
      const count = box(sums[3]!);
      if (count >= 9) out[at] = Math.hypot(box(sums[0]!), box(sums[1]!), box(sums[2]!)) / count;
    }
  return out;
}

/** Differences of some pixels, each averaged over those of its 3 x 3 neighbours that are in the set: float64 `[n, 3]`. */
export function localMean(a: WorkImage, b: WorkImage, pixels: readonly number[]): Float64Array {
  const { width, height } = a;
  const isIn = new Uint8Array(width * height);
  for (const pixel of pixels) isIn[pixel] = 1;
  const out = new Float64Array(3 * pixels.length);
  for (let k = 0; k < pixels.length; k++) {
    const x = pixels[k]! % width;
    const y = (pixels[k]! - x) / width;
    let count = 0;
    for (let j = Math.max(0, y - 1); j <= Math.min(height - 1, y + 1); j++)
      for (let i = Math.max(0, x - 1); i <= Math.min(width - 1, x + 1); i++) {
        const at = j * width + i;
        if (!isIn[at]) continue;
        count++;
        for (let c = 0; c < 3; c++) out[3 * k + c]! += a.data[3 * at + c]! - b.data[3 * at + c]!;
      }
    for (let c = 0; c < 3; c++) out[3 * k + c]! /= count;
  }
  return out;
}

/** Grows a set of pixels by one in all eight directions. */
export function grow(set: Uint8Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array(set.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let j = Math.max(0, y - 1); j <= Math.min(height - 1, y + 1); j++)
        for (let i = Math.max(0, x - 1); i <= Math.min(width - 1, x + 1); i++)
          if (set[j * width + i]) out[y * width + x] = 1;
  return out;
}
