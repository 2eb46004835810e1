import type { Raster } from '@triptych/media';

/** Numbers on a grid, row-major. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array; // [height, width]
}

/** Luma (BT.709 weights on sRGB levels), 0..255. */
export function lumaOf({ width, height, channels, data }: Raster): Plane {
  const out = new Float32Array(width * height);
  for (let i = 0, at = 0; i < out.length; i++, at += channels)
    out[i] =
      channels === 1 ? data[at]! : 0.2126 * data[at]! + 0.7152 * data[at + 1]! + 0.0722 * data[at + 2]!;
  return { width, height, data: out };
}

/** Red, green and blue, 0..255. */
export function channelsOf({ width, height, channels, data }: Raster): readonly [Plane, Plane, Plane] {
  const plane = (c: number): Plane => {
    const out = new Float32Array(width * height);
    const offset = channels === 1 ? 0 : c;
    for (let i = 0; i < out.length; i++) out[i] = data[i * channels + offset]!;
    return { width, height, data: out };
  };
  return [plane(0), plane(1), plane(2)];
}

/** Half the size (rounded down, at least 1): means of 2x2. */
export function halved({ width, height, data }: Plane): Plane {
  const w = Math.max(1, width >> 1);
  const h = Math.max(1, height >> 1);
  const out = new Float32Array(w * h);
  const right = width > 1 ? 1 : 0;
  const down = height > 1 ? width : 0;
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const at = 2 * y * width * (height > 1 ? 1 : 0) + 2 * x * right;
      out[y * w + x] = (data[at]! + data[at + right]! + data[at + down]! + data[at + right + down]!) / 4;
    }
  return { width: w, height: h, data: out };
}

/** Means of 3x3, edges repeated: takes away noise of single pixels. */
export function blurred({ width, height, data }: Plane): Plane {
  const rows = new Float32Array(data.length);
  const out = new Float32Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0, at = y * width; x < width; x++, at++)
      rows[at] = (data[x > 0 ? at - 1 : at]! + data[at]! + data[x < width - 1 ? at + 1 : at]!) / 3;
  for (let y = 0; y < height; y++)
    for (let x = 0, at = y * width; x < width; x++, at++)
      out[at] = (rows[y > 0 ? at - width : at]! + rows[at]! + rows[y < height - 1 ? at + width : at]!) / 3;
  return { width, height, data: out };
}

/** Smallest and largest of the (2 radius + 1)^2 pixels around each, cut off at the edges; NaN spreads. */
export function rangeAround(
  { width, height, data }: Plane,
  radius: number,
): { low: Float32Array; high: Float32Array } {
  const rows = { low: data.slice(), high: data.slice() };
  for (let k = -radius; k <= radius; k++) {
    if (k === 0) continue;
    const [from, to] = [Math.max(0, -k), Math.min(width, width - k)];
    for (let y = 0; y < height; y++)
      for (let at = y * width + from; at < y * width + to; at++)
        widen(rows, at, data[at + k]!, data[at + k]!);
  }
  const out = { low: rows.low.slice(), high: rows.high.slice() };
  for (let k = -radius; k <= radius; k++) {
    if (k === 0) continue;
    const [from, to] = [Math.max(0, -k) * width, Math.min(height, height - k) * width];
    for (let at = from; at < to; at++) widen(out, at, rows.low[at + k * width]!, rows.high[at + k * width]!);
  }
  return out;
}

function widen(
  range: { low: Float32Array; high: Float32Array },
  at: number,
  low: number,
  high: number,
): void {
  if (!(low >= range.low[at]!)) range.low[at] = low;
  if (!(high <= range.high[at]!)) range.high[at] = high;
}

/** The middle one of some values; the array is sorted in place. */
export function median(values: Float32Array): number {
  if (values.length === 0) return 0;
  values.sort();
  return values[values.length >> 1]!;
}
