import type { Raster } from '@triptych/media';
import { checkSameSize } from './pixels.js';

const radius = 5;
const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
  Math.exp(-((i - radius) ** 2) / (2 * 1.5 ** 2)),
);

function luma({ width, height, data }: Raster): Float64Array {
  const out = new Float64Array(width * height);
  for (let i = 0; i < out.length; i++)
    out[i] = (0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!) / 255;
  return out;
}

/** Gaussian mean with the window cut at the borders, so that it stays a mean there. */
function blur(plane: Float64Array, width: number, height: number): Float64Array {
  const pass = (from: Float64Array, length: number, lines: number, step: number, lineStep: number) => {
    const to = new Float64Array(from.length);
    for (let line = 0; line < lines; line++)
      for (let i = 0; i < length; i++) {
        let sum = 0;
        let weight = 0;
        for (let k = Math.max(-radius, -i); k <= Math.min(radius, length - 1 - i); k++) {
          const w = kernel[k + radius]!;
          sum += w * from[line * lineStep + (i + k) * step]!;
          weight += w;
        }
        to[line * lineStep + i * step] = sum / weight;
      }
    return to;
  };
  return pass(pass(plane, width, height, 1, width), height, width, width, 1);
}

/**
 * Structural similarity of the luma planes (Wang et al. 2004): Gaussian window of 11 pixels, sigma 1.5, K1 0.01,
 * K2 0.03, mean over all pixels.
 * @returns -1..1, 1 for equal pictures
 */
export function ssim(a: Raster, b: Raster): number {
  checkSameSize({ a, b });
  const { width, height } = a;
  const x = luma(a);
  const y = luma(b);
  const mean = (plane: Float64Array) => blur(plane, width, height);
  const mx = mean(x);
  const my = mean(y);
  const xx = mean(x.map((v) => v * v));
  const yy = mean(y.map((v) => v * v));
  const xy = mean(x.map((v, i) => v * y[i]!));
  const c1 = 0.01 ** 2;
  const c2 = 0.03 ** 2;
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const m = mx[i]! * my[i]!;
    const m2 = mx[i]! ** 2 + my[i]! ** 2;
    sum += ((2 * m + c1) * (2 * (xy[i]! - m) + c2)) / ((m2 + c1) * (xx[i]! + yy[i]! - m2 + c2));
  }
  return sum / x.length;
}
