import { MediaError } from './errors.js';

/** Pixels in memory: row-major, channels interleaved, sRGB, not premultiplied. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  /** 1 grey or mask, 3 RGB, 4 RGBA. */
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array; // [height, width, channels], 0..255
}

/** The same pixels as float32, channels first as networks take them. */
export interface FloatRaster {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly data: Float32Array; // [channels, height, width], -1..1
}

/**
 * Checks that sizes and data of a raster agree.
 * @throws MediaError `ARGUMENT` naming the field
 */
export function checkRaster({ width, height, channels, data }: Raster | FloatRaster): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new MediaError(
      'ARGUMENT',
      `width and height must be whole numbers from 1, not ${width} x ${height}`,
    );
  if (data.length !== width * height * channels)
    throw new MediaError(
      'ARGUMENT',
      `data must hold ${width} x ${height} x ${channels} values, not ${data.length}`,
    );
}

/** uint8 `[h, w, c]` to float32 `[c, h, w]` in -1..1 (0 becomes -1, 255 becomes 1). */
export function toFloat(raster: Raster): FloatRaster {
  checkRaster(raster);
  const { width, height, channels, data } = raster;
  const plane = width * height;
  const out = new Float32Array(data.length);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < plane; i++) out[c * plane + i] = data[i * channels + c]! / 127.5 - 1;
  return { width, height, channels, data: out };
}

/** The inverse of `toFloat`: rounds to the nearest of 256 levels; values outside -1..1 are clipped, NaN becomes 0. */
export function fromFloat(raster: FloatRaster): Raster {
  checkRaster(raster);
  const { width, height, channels, data } = raster;
  const plane = width * height;
  const out = new Uint8Array(data.length);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < plane; i++) {
      const level = (data[c * plane + i]! + 1) * 127.5;
      out[i * channels + c] = level > 255 ? 255 : level > 0 ? Math.round(level) : 0;
    }
  return { width, height, channels, data: out };
}

/** RGB without alpha, laid over a background colour (0..255 each; white if not given). */
export function toRgb(
  raster: Raster,
  background: readonly [number, number, number] = [255, 255, 255],
): Raster {
  checkRaster(raster);
  const { width, height, channels, data } = raster;
  if (channels === 3) return raster;
  const out = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const alpha = channels === 4 ? data[4 * i + 3]! / 255 : 1;
    for (let c = 0; c < 3; c++) {
      const value = channels === 1 ? data[i]! : data[4 * i + c]!;
      out[3 * i + c] = Math.round(value * alpha + background[c]! * (1 - alpha));
    }
  }
  return { width, height, channels: 3, data: out };
}

/**
 * The mask an image carries: from its alpha, 255 where it is transparent (the place to edit, as image editing APIs
 * have it), 0 where opaque. `edit: 'opaque'` turns that around.
 * @throws MediaError `ARGUMENT` when there is no alpha channel
 */
export function maskFromAlpha(raster: Raster, options: { edit?: 'transparent' | 'opaque' } = {}): Raster {
  checkRaster(raster);
  const { width, height, channels, data } = raster;
  if (channels !== 4)
    throw new MediaError('ARGUMENT', `a mask needs an image with alpha; this one has ${channels} channels`);
  const out = new Uint8Array(width * height);
  for (let i = 0; i < out.length; i++)
    out[i] = options.edit === 'opaque' ? data[4 * i + 3]! : 255 - data[4 * i + 3]!;
  return { width, height, channels: 1, data: out };
}
