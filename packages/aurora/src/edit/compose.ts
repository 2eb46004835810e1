/**
 * @module
 * Brings a change that was made on a small picture back to the full one.
 *
 * With S the source, s and e the picture and its edit at the model's size, and `up` enlarging:
 *
 *     result = S + mask * amount * ( up(e - s) - (1 - detail) * (S - up(s)) )
 *
 * Where nothing changed amount is 0 and the source's bytes are copied. Where a surface took another tint, detail is 1 and
 * the result is S + up(e - s): the tint moves, the texture finer than the model sees stays. Where a thing came or went,
 * detail is 0 and the result is up(e): softer than the source, but without a ghost of what was there.
 */
import { type Raster, resizeImage, toRgb } from '@triptych/media';
import { changeMap } from './change-map.js';
import { byRows } from './slices.js';

/** What is to be joined. */
export interface Composition {
  /** The full picture, 3 or 4 channels; alpha stays as it is. */
  readonly source: Raster;
  /** The picture as the model saw it and as it left it, RGB, of one size. */
  readonly before: Raster;
  readonly after: Raster;
  /** [height, width] of the source, 0 keeps it; absent: everything may change. */
  readonly weights?: Uint8Array | undefined;
  /** See `EditOptions.preserve`. */
  readonly preserve: boolean;
}

/** The edited picture in the source's size and channels. @throws the signal's reason */
export async function compose(composition: Composition, signal?: AbortSignal): Promise<Raster> {
  return composition.preserve ? guided(composition, signal) : enlarged(composition, signal);
}

async function enlarged({ source, after, weights }: Composition, signal?: AbortSignal): Promise<Raster> {
  const { width, height, channels } = source;
  const full = await sized(after, width, height, signal);
  const data = source.data.slice();
  await byRows(
    height,
    (y) => {
      for (let i = y * width; i < (y + 1) * width; i++) {
        const weight = weights === undefined ? 1 : weights[i]! / 255;
        if (weight === 0) continue;
        for (let c = 0; c < 3; c++) {
          const from = source.data[i * channels + c]!;
          data[i * channels + c] = Math.round(from + weight * (full.data[3 * i + c]! - from));
        }
      }
    },
    signal,
  );
  return { width, height, channels, data };
}

async function guided(
  { source, before, after, weights }: Composition,
  signal?: AbortSignal,
): Promise<Raster> {
  const { width, height, channels } = source;
  // Tiny sources are enlarged for the model: then the change is shrunk, properly averaged, before it is used.
  const isShrunk = before.width > width || before.height > height;
  const fit = (raster: Raster): Promise<Raster> => sized(raster, width, height, signal);
  const map = isShrunk ? changeMap(await fit(before), await fit(after)) : changeMap(before, after);
  const shown = toRgb(source).data;
  const data = source.data.slice();
  const columns = tapsOf(width, map.width);
  const row = new Float32Array(map.width * 6);
  const amounts = new Float32Array(map.width);
  const details = new Float32Array(map.width);
  await byRows(
    height,
    (y) => {
      const taps = tapsAt(y, height, map.height);
      blendRows(map.amount, amounts, taps.near);
      if (amounts.every((amount) => amount === 0)) return;
      blendRows(map.detail, details, taps.near);
      blendRows(map.values, row, taps.wide);
      for (let x = 0, i = y * width; x < width; x++, i++) {
        const { near, wide } = columns[x]!;
        const weight = (weights === undefined ? 1 : weights[i]! / 255) * at(amounts, near);
        if (weight === 0) continue;
        const lost = 1 - at(details, near);
        for (let c = 0; c < 3; c++) {
          const [low, moved] = [atChannel(row, wide, c), atChannel(row, wide, c + 3)];
          const finer = shown[3 * i + c]! - low;
          const value = source.data[i * channels + c]! + weight * (moved - lost * finer);
          data[i * channels + c] = value > 255 ? 255 : value > 0 ? Math.round(value) : 0;
        }
      }
    },
    signal,
  );
  return { width, height, channels, data };
}

async function sized(raster: Raster, width: number, height: number, signal?: AbortSignal): Promise<Raster> {
  if (raster.width === width && raster.height === height) return raster;
  return resizeImage(raster, { width, height, ...(signal && { signal }) });
}

interface Tap {
  readonly index: number;
  readonly weight: number;
}

/** Where a place of the large picture lies in the small one: two neighbours (linear) and four (Catmull-Rom). */
interface Taps {
  readonly near: readonly Tap[];
  readonly wide: readonly Tap[];
}

function tapsOf(large: number, small: number): readonly Taps[] {
  return Array.from({ length: large }, (_, i) => tapsAt(i, large, small));
}

function tapsAt(position: number, large: number, small: number): Taps {
  const place = ((position + 0.5) * small) / large - 0.5;
  const first = Math.floor(place);
  const t = place - first;
  const tap = (offset: number, weight: number): Tap => ({
    index: Math.min(small - 1, Math.max(0, first + offset)),
    weight,
  });
  return {
    near: [tap(0, 1 - t), tap(1, t)],
    wide: [
      tap(-1, t * (-0.5 + t * (1 - 0.5 * t))),
      tap(0, 1 + t * t * (-2.5 + 1.5 * t)),
      tap(1, t * (0.5 + t * (2 - 1.5 * t))),
      tap(2, t * t * (-0.5 + 0.5 * t)),
    ],
  };
}

/** Weighted sum of rows of `from` into `to`, both with rows of the same length. */
function blendRows(from: Float32Array, to: Float32Array, taps: readonly Tap[]): void {
  const length = to.length;
  to.fill(0);
  for (const { index, weight } of taps) {
    if (weight === 0) continue;
    const start = index * length;
    for (let i = 0; i < length; i++) to[i]! += weight * from[start + i]!;
  }
}

function at(row: Float32Array, taps: readonly Tap[]): number {
  let sum = 0;
  for (const { index, weight } of taps) sum += weight * row[index]!;
  return sum;
}

function atChannel(row: Float32Array, taps: readonly Tap[], channel: number): number {
  let sum = 0;
  for (const { index, weight } of taps) sum += weight * row[6 * index + channel]!;
  return sum;
}
