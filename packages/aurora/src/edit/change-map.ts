import type { Raster } from '@triptych/media';

/** What an edit changed, at the size the model worked at. */
export interface ChangeMap {
  readonly width: number;
  readonly height: number;
  /** Source, then edit minus source: [height, width, 6], 0..255 and -255..255. */
  readonly values: Float32Array;
  /** How much of the change is taken, 0 where nothing changed: [height, width], 0..1. */
  readonly amount: Float32Array;
  /** How much of the source's finer detail stays where there is change: [height, width], 0..1. */
  readonly detail: Float32Array;
}

/** Differences (of 255) below the first are the model's noise, above the second a change; between they fade in. */
const noise = 3;
const change = 9;

/** Stabilises the comparison of structure where both pictures are flat; (0.03 * 255)^2 as in SSIM (Wang et al. 2004). */
const flat = 58.5;

/**
 * Compares a picture with its edit. `amount` comes from the mean difference around each pixel, so that a change keeps
 * its edge and a lone deviation is nothing. `detail` compares structure (the contrast-structure term of SSIM): a new tint
 * keeps the structure and so the texture; a thing that came or went does not, and there the source's detail would be its
 * ghost. Pixels that did not change themselves keep their detail whatever happens beside them.
 */
export function changeMap(source: Raster, edit: Raster): ChangeMap {
  const { width, height } = source;
  const count = width * height;
  const values = new Float32Array(6 * count);
  const difference = new Float32Array(count);
  const [before, after] = [new Float32Array(count), new Float32Array(count)];
  for (let i = 0; i < count; i++) {
    let largest = 0;
    for (let c = 0; c < 3; c++) {
      const from = source.data[3 * i + c]!;
      const moved = edit.data[3 * i + c]! - from;
      values[6 * i + c] = from;
      values[6 * i + 3 + c] = moved;
      largest = Math.max(largest, Math.abs(moved));
    }
    difference[i] = largest;
    before[i] = luma(source.data, 3 * i);
    after[i] = luma(edit.data, 3 * i);
  }
  const amount = boxMean(difference, width, height, 1).map((mean) => smoothStep(noise, change, mean));
  const structure = sameStructure(before, after, width, height);
  const detail = structure.map((same, i) => 1 - (1 - same) * smoothStep(noise, change, difference[i]!));
  return { width, height, values, amount, detail };
}

function luma(data: Uint8Array, at: number): number {
  return 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
}

/** 1 where two pictures rise and fall together in windows of 5 x 5, 0 where they do not. */
function sameStructure(a: Float32Array, b: Float32Array, width: number, height: number): Float32Array {
  const mean = (values: Float32Array): Float32Array => boxMean(values, width, height, 2);
  const [meanA, meanB] = [mean(a), mean(b)];
  const meanAA = mean(a.map((x) => x * x));
  const meanBB = mean(b.map((x) => x * x));
  const meanAB = mean(a.map((x, i) => x * b[i]!));
  return meanAB.map((ab, i) => {
    const covariance = ab - meanA[i]! * meanB[i]!;
    const variances = meanAA[i]! - meanA[i]! ** 2 + meanBB[i]! - meanB[i]! ** 2;
    return smoothStep(0.2, 0.8, (2 * covariance + flat) / (variances + flat));
  });
}

/** Mean over windows of 2 radius + 1, cut off at the border. */
function boxMean(values: Float32Array, width: number, height: number, radius: number): Float32Array {
  const pass = (from: Float32Array, count: number, length: number, step: number, stride: number) => {
    const to = new Float32Array(from.length);
    for (let line = 0; line < count; line++) {
      for (let i = 0; i < length; i++) {
        const [first, last] = [Math.max(0, i - radius), Math.min(length - 1, i + radius)];
        let sum = 0;
        for (let j = first; j <= last; j++) sum += from[line * stride + j * step]!;
        to[line * stride + i * step] = sum / (last - first + 1);
      }
    }
    return to;
  };
  return pass(pass(values, height, width, 1, width), width, height, width, 1);
}

function smoothStep(low: number, high: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
}
