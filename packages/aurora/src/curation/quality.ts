import type { Plane } from './plane.js';

/** What can be said of a frame alone. */
export interface FrameQuality {
  /** How steep its steepest edges are, levels per pixel: compare only frames of one clip. */
  readonly sharpness: number;
  /** True when there is nothing to see: black, white or of one colour. */
  readonly isFlat: boolean;
}

/** Deviation of levels below which a frame shows nothing. */
const leastContrast = 5;

/** Measures a frame's luma. */
export function qualityOf({ width, height, data }: Plane): FrameQuality {
  let sum = 0;
  let squares = 0;
  for (const level of data) {
    sum += level;
    squares += level * level;
  }
  const mean = sum / data.length;
  const contrast = Math.sqrt(Math.max(0, squares / data.length - mean * mean));
  const slopes = new Float32Array(data.length);
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      slopes[at] = Math.hypot(data[at + 1]! - data[at - 1]!, data[at + width]! - data[at - width]!) / 2;
    }
  slopes.sort();
  return { sharpness: slopes[Math.floor(0.985 * slopes.length)] ?? 0, isFlat: contrast < leastContrast };
}
