import type { Raster } from '@triptych/media';
import { AuroraError } from '../errors.js';
import { toLab } from './lab.js';

/** A pixel counts as changed when a channel differs by more than this many of 255 levels. */
export const changedLevels = 8;

/** Bounds of `success`. */
export const successBounds = { progress: 0.7, preservationMse: 0.001 } as const;

/** How an output compares with source and target, pixel by pixel. Values are in units of full scale (0..1). */
export interface PixelMetrics {
  /** 1 - squared error to the target over squared change, on changed pixels: copy 0, perfect 1, worse than copy < 0. */
  readonly progress: number;
  /** Mean squared difference from the source on the pixels that should stay: a copy has 0. */
  readonly preservationMse: number;
  /** Mean CIE76 colour difference on the pixels that should stay. */
  readonly preservationDeltaE: number;
  /** Progress and preservation both within `successBounds`. */
  readonly success: boolean;
}

/** Checks that pictures are RGB and of one size. */
export function checkSameSize(pictures: Readonly<Record<string, Raster>>): void {
  const [first, ...rest] = Object.entries(pictures);
  if (!first) return;
  const [firstName, a] = first;
  for (const [name, b] of [[firstName, a] as const, ...rest]) {
    if (b.channels !== 3)
      throw new AuroraError(
        'ARGUMENT',
        `${name} must be RGB, not ${b.channels} channels: convert it with toRgb`,
      );
    if (a.width !== b.width || a.height !== b.height)
      throw new AuroraError(
        'ARGUMENT',
        `${name} is ${b.width} x ${b.height}, ${firstName} ${a.width} x ${a.height}: resize one of them`,
      );
  }
}

/**
 * Progress and preservation of an edit whose target is known.
 * When nothing should change, progress is 1; when everything should, preservation is 0.
 * @throws AuroraError `ARGUMENT` for pictures of different sizes or not RGB
 */
export function pixelMetrics(source: Raster, target: Raster, output: Raster): PixelMetrics {
  checkSameSize({ source, target, output });
  const labSource = toLab(source);
  const labOutput = toLab(output);
  let asked = 0;
  let missed = 0;
  let drift = 0;
  let deltaE = 0;
  let kept = 0;
  for (let i = 0; i < source.width * source.height; i++) {
    let change = 0;
    let error = 0;
    let moved = 0;
    let isChanged = false;
    for (let c = 3 * i; c < 3 * i + 3; c++) {
      const d = source.data[c]! - target.data[c]!;
      const e = output.data[c]! - target.data[c]!;
      isChanged ||= Math.abs(d) > changedLevels;
      change += d * d;
      error += e * e;
      moved += (output.data[c]! - source.data[c]!) ** 2;
    }
    if (isChanged) {
      asked += change;
      missed += error;
      continue;
    }
    kept++;
    drift += moved;
    deltaE += Math.hypot(
      labOutput[3 * i]! - labSource[3 * i]!,
      labOutput[3 * i + 1]! - labSource[3 * i + 1]!,
      labOutput[3 * i + 2]! - labSource[3 * i + 2]!,
    );
  }
  const progress = asked === 0 ? 1 : 1 - missed / asked;
  const preservationMse = kept === 0 ? 0 : drift / (3 * kept * 255 * 255);
  return {
    progress,
    preservationMse,
    preservationDeltaE: kept === 0 ? 0 : deltaE / kept,
    success: progress > successBounds.progress && preservationMse < successBounds.preservationMse,
  };
}

/** Mean absolute difference, 0..1. */
export function l1(a: Raster, b: Raster): number {
  checkSameSize({ a, b });
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += Math.abs(a.data[i]! - b.data[i]!);
  return sum / (a.data.length * 255);
}

/** Mean squared difference, 0..1 (what AURORA's tables call L2). */
export function l2(a: Raster, b: Raster): number {
  checkSameSize({ a, b });
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i]! - b.data[i]!) ** 2;
  return sum / (a.data.length * 255 * 255);
}
