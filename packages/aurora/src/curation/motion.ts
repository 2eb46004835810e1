/**
 * How the camera moved between two frames: translation, zoom and roll together with exposure, fitted to most of the
 * picture and not to what moves in it (robust direct registration, coarse to fine; cf. Odobez & Bouthemy 1995).
 *
 * @module
 */
import { blurred, halved, type Plane } from './plane.js';

/**
 * Where a point of the first frame is in the second, relative to the centre of the frame, in units of pixels of the
 * planes that were compared: x' = x + dx + zoom x - roll y, y' = y + dy + roll x + zoom y; and its level there:
 * gain level + offset.
 */
export interface GlobalMotion {
  readonly dx: number;
  readonly dy: number;
  readonly zoom: number;
  readonly roll: number;
  readonly gain: number;
  readonly offset: number; // levels of 255
}

export const noMotion: GlobalMotion = { dx: 0, dy: 0, zoom: 0, roll: 0, gain: 1, offset: 0 };

/** Residuals below this are noise, levels (planes are blurred before). */
const noiseLevel = 2.5;
/** Residuals above this are no evidence for or against a motion, levels. */
const costCeiling = 10;
/** A motion must explain the frames this much better than a still camera before it is believed. */
const believed = 0.93;
/**
 * Robust scales, levels, for each size from fine to coarse: wide enough at first to be drawn by what is displaced, then
 * only by what fits.
 */
const scales = [
  [6, 5],
  [20, 12, 8, 6],
  [30, 20, 12, 8, 6, 5],
];

/** Planes of the sizes 1, 1/2 and 1/4. */
export function pyramidOf(luma: Plane): readonly Plane[] {
  const half = halved(luma);
  return [blurred(luma), half, halved(half)];
}

/**
 * Estimates the camera's motion between two pyramids of one size. A still camera is preferred when the frames do not
 * speak clearly against it. Known limit: where one thing moves by less than about half its size before a scene without
 * texture, its motion may be taken for the camera's (a few in a hundred such pairs of made-up frames).
 */
export function estimateMotion(first: readonly Plane[], second: readonly Plane[]): GlobalMotion {
  const top = first.length - 1;
  const [a, b] = [first[top]!, second[top]!];
  const exposure = exposureOf(a, b);
  const still = refined(first, second, { ...noMotion, ...exposure });
  // Fitted place by place, exposure is right for a still camera; fitted to the levels alone, for one that moved.
  const shifted = [exposure, exposureOfLevels(a, b)].map((start) =>
    refined(first, second, { ...coarseShift(a, b, start), ...start }),
  );
  const fine = [first[0]!, second[0]!] as const;
  const stillCost = costOf(...fine, { ...noMotion, gain: still.gain, offset: still.offset });
  const best = [still, ...shifted]
    .map((motion) => ({ motion, cost: costOf(...fine, motion) }))
    .reduce((x, y) => (y.cost < x.cost ? y : x));
  return best.cost < believed * stillCost
    ? best.motion
    : { ...noMotion, gain: still.gain, offset: still.offset };
}

/** Mean displacement over the frame as a share of its diagonal. */
export function displacement(motion: GlobalMotion, width: number, height: number): number {
  let sum = 0;
  for (const u of [-0.5, 0, 0.5])
    for (const v of [-0.5, 0, 0.5]) {
      const x = u * width;
      const y = v * height;
      sum += Math.hypot(
        motion.dx + motion.zoom * x - motion.roll * y,
        motion.dy + motion.roll * x + motion.zoom * y,
      );
    }
  return sum / 9 / Math.hypot(width, height);
}

/** The second frame laid over the first: moved back, with the first one's exposure. NaN where it shows nothing. */
export function aligned(second: Plane, motion: GlobalMotion): Plane {
  const { width, height, data } = second;
  const { dx, dy, zoom, roll, gain, offset } = motion;
  const out = new Float32Array(data.length);
  const cx = (width - 1) / 2;
  const cy = (height - 1) / 2;
  const isStill = dx === 0 && dy === 0 && zoom === 0 && roll === 0;
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      const level = isStill
        ? data[at]!
        : sample(
            second,
            x + dx + zoom * (x - cx) - roll * (y - cy),
            y + dy + roll * (x - cx) + zoom * (y - cy),
          );
      out[at] = (level - offset) / gain;
    }
  return { width, height, data: out };
}

/** Bilinear; NaN outside. */
function sample({ width, height, data }: Plane, x: number, y: number): number {
  if (!(x >= 0 && y >= 0 && x <= width - 1 && y <= height - 1)) return Number.NaN;
  const x0 = Math.min(width - 2, Math.floor(x));
  const y0 = Math.min(height - 2, Math.floor(y));
  const u = x - x0;
  const v = y - y0;
  const at = y0 * width + x0;
  const above = data[at]! + u * (data[at + 1]! - data[at]!);
  const below = data[at + width]! + u * (data[at + width + 1]! - data[at + width]!);
  return above + v * (below - above);
}

/** Gain and offset that send most levels of one frame to the other's, place by place: trimmed least squares. */
function exposureOf(a: Plane, b: Plane): { readonly gain: number; readonly offset: number } {
  let gain = 1;
  let offset = 0;
  for (const limit of [Number.POSITIVE_INFINITY, 40, 20, 12, 8]) {
    let [n, sa, sb, saa, sab] = [0, 0, 0, 0, 0];
    for (let i = 0; i < a.data.length; i++) {
      const x = a.data[i]!;
      const y = b.data[i]!;
      if (Math.abs(y - gain * x - offset) > limit) continue;
      n++;
      sa += x;
      sb += y;
      saa += x * x;
      sab += x * y;
    }
    if (n < a.data.length / 8) break;
    const variance = saa - (sa * sa) / n;
    // A flat picture tells no gain; exposure beyond these is another picture.
    const fitted = variance > 4 * n ? (sab - (sa * sb) / n) / variance : 1;
    gain = Math.min(1.6, Math.max(0.6, fitted));
    offset = (sb - gain * sa) / n;
  }
  return { gain, offset };
}

/** Gain and offset that give one frame the other's mean and spread of levels, wherever they are. */
function exposureOfLevels(a: Plane, b: Plane): { readonly gain: number; readonly offset: number } {
  const [meanA, spreadA] = levelsOf(a);
  const [meanB, spreadB] = levelsOf(b);
  const gain = spreadA > 2 ? Math.min(1.6, Math.max(0.6, spreadB / spreadA)) : 1;
  return { gain, offset: meanB - gain * meanA };
}

/** Mean and standard deviation. */
function levelsOf({ data }: Plane): readonly [number, number] {
  const mean = data.reduce((sum, level) => sum + level, 0) / data.length;
  return [mean, Math.sqrt(data.reduce((sum, level) => sum + (level - mean) ** 2, 0) / data.length)];
}

/** The translation that fits best among all of a quarter of the frame, at the coarsest size; in pixels of the finest. */
function coarseShift(
  a: Plane,
  b: Plane,
  { gain, offset }: { readonly gain: number; readonly offset: number },
): GlobalMotion {
  const { width, height } = a;
  const reach = Math.max(2, Math.round(Math.max(width, height) / 5));
  let best = { cost: Number.POSITIVE_INFINITY, dx: 0, dy: 0 };
  for (let dy = -reach; dy <= reach; dy++)
    for (let dx = -reach; dx <= reach; dx++) {
      let sum = 0;
      let count = 0;
      for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++)
        for (let x = Math.max(0, -dx); x < Math.min(width, width - dx); x++) {
          const r = Math.abs(b.data[(y + dy) * width + x + dx]! - gain * a.data[y * width + x]! - offset);
          sum += r > 30 ? 30 : r;
          count++;
        }
      if (count < (width * height) / 2) continue;
      const cost = sum / count;
      if (cost < best.cost) best = { cost, dx, dy };
    }
  return { ...noMotion, dx: best.dx, dy: best.dy };
}

/** Fits the motion at the coarsest size, then at finer ones. The start's translation is in pixels of the coarsest. */
function refined(first: readonly Plane[], second: readonly Plane[], start: GlobalMotion): GlobalMotion {
  let motion = start;
  for (let level = first.length - 1; level >= 0; level--) {
    for (const scale of scales[level] ?? []) motion = improved(first[level]!, second[level]!, motion, scale);
    if (level > 0) motion = { ...motion, dx: 2 * motion.dx, dy: 2 * motion.dy };
  }
  return motion;
}

/** Mean residual over the whole frame, above the noise and each at most {@link costCeiling}. */
function costOf(a: Plane, b: Plane, motion: GlobalMotion): number {
  const moved = aligned(b, motion);
  let sum = 0;
  let count = 0;
  for (let i = 0; i < moved.data.length; i++) {
    const r = Math.abs(moved.data[i]! - a.data[i]!) - noiseLevel;
    if (Number.isNaN(r)) continue;
    sum += r > costCeiling ? costCeiling : r > 0 ? r : 0;
    count++;
  }
  return count < moved.data.length / 2 ? costCeiling : sum / count;
}

const unknowns = 6;

/** One Gauss-Newton step with Geman-McClure weights of a scale. */
function improved(a: Plane, b: Plane, motion: GlobalMotion, scale: number): GlobalMotion {
  const { width, height } = a;
  const { dx, dy, zoom, roll, gain, offset } = motion;
  const cx = (width - 1) / 2;
  const cy = (height - 1) / 2;
  const half = Math.hypot(cx, cy) || 1;
  const normal = new Float64Array(unknowns * unknowns);
  const right = new Float64Array(unknowns);
  const row = new Float64Array(unknowns);
  for (let y = 1; y < height - 1; y++)
    for (let x = 1, at = y * width + 1; x < width - 1; x++, at++) {
      const px = x - cx;
      const py = y - cy;
      const bx = x + dx + zoom * px - roll * py;
      const by = y + dy + roll * px + zoom * py;
      if (bx < 1 || by < 1 || bx > width - 2 || by > height - 2) continue;
      const level = sample(b, bx, by);
      const r = level - gain * a.data[at]! - offset;
      const gx = (a.data[at + 1]! - a.data[at - 1]!) / 2;
      const gy = (a.data[at + width]! - a.data[at - width]!) / 2;
      const w = 1 / (1 + (r * r) / (scale * scale)) ** 2;
      // Zoom and roll in displacement at the corner, gain in levels at 128: unknowns of one size.
      row[0] = gx;
      row[1] = gy;
      row[2] = (gx * px + gy * py) / half;
      row[3] = (gy * px - gx * py) / half;
      row[4] = -a.data[at]! / 128;
      row[5] = -1;
      for (let i = 0; i < unknowns; i++) {
        const wi = w * row[i]!;
        right[i]! -= wi * r;
        for (let j = i; j < unknowns; j++) normal[i * unknowns + j]! += wi * row[j]!;
      }
    }
  // A little damping keeps what the picture does not show (no texture, no contrast) where it is.
  const damping = 0.02 * width * height;
  for (let i = 0; i < unknowns; i++) {
    normal[i * unknowns + i]! += damping * (i < 4 ? 1 : 0.01);
    for (let j = 0; j < i; j++) normal[i * unknowns + j] = normal[j * unknowns + i]!;
  }
  const step = solve(normal, right);
  const bound = (value: number, limit: number): number => Math.min(limit, Math.max(-limit, value));
  return {
    dx: bound(dx + bound(step[0]!, 3), width / 3),
    dy: bound(dy + bound(step[1]!, 3), height / 3),
    zoom: bound(zoom + bound(step[2]! / half, 0.1), 0.3),
    roll: bound(roll + bound(step[3]! / half, 0.1), 0.3),
    gain: Math.min(1.6, Math.max(0.6, gain + bound(step[4]! / 128, 0.2))),
    offset: bound(offset + bound(step[5]!, 20), 80),
  };
}

/** Solves a small symmetric positive definite system by Cholesky; zeros when it is none. */
function solve(matrix: Float64Array, right: Float64Array): Float64Array {
  const n = right.length;
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!;
      if (i !== j) l[i * n + j] = sum / l[j * n + j]!;
      else if (sum > 0) l[i * n + i] = Math.sqrt(sum);
      else return new Float64Array(n);
    }
  const x = Float64Array.from(right);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= l[i * n + k]! * x[k]!;
    x[i]! /= l[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= l[k * n + i]! * x[k]!;
    x[i]! /= l[i * n + i]!;
  }
  return x;
}
