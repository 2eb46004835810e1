import type { Raster } from '@triptych/media';
import { AuroraError } from '../errors.js';

/**
 * The embedded model denoises pixels, not latents of an autoencoder: each block of {@link PATCH} x {@link PATCH} pixels
 * becomes one position with 48 channels. Nothing is lost, so "unchanged" can be exact, and there is nothing to train.
 */
export const PATCH = 4;

/** Channels of one position: three colours of 4 x 4 pixels. */
export const PIXEL_CHANNELS = 3 * PATCH * PATCH;

/** Channels of one position that say something about whole pixels. */
export const MASK_CHANNELS = PATCH * PATCH;

/** What the U-Net says of one position: paint, mask and cover. */
export const OUTPUT_CHANNELS = PIXEL_CHANNELS + 2 * MASK_CHANNELS;

/**
 * Bytes of an RGB picture as [48, height / 4, width / 4] in -1..1; channel (colour * 4 + row) * 4 + column, as torch's
 * `pixel_unshuffle` orders them.
 * @param into written from `offset` on; allocated if not given
 */
export function spaceToDepth(
  rgb: Uint8Array,
  height: number,
  width: number,
  into: Float32Array<ArrayBufferLike> = new Float32Array(3 * height * width),
  offset = 0,
): Float32Array<ArrayBufferLike> {
  forEachPixel(height, width, (pixel, value) => {
    into[offset + value] = (rgb[pixel] ?? 0) / 127.5 - 1;
  });
  return into;
}

/** The bytes that {@link spaceToDepth} came from: rounded and clamped to 0..255. */
export function depthToSpace(values: Float32Array, height: number, width: number): Uint8Array {
  const rgb = new Uint8Array(3 * height * width);
  forEachPixel(height, width, (pixel, value) => {
    rgb[pixel] = Math.min(255, Math.max(0, Math.round(((values[value] ?? 0) + 1) * 127.5)));
  });
  return rgb;
}

/** Calls with the index of a byte in the picture and of its value in the blocked layout. */
function forEachPixel(height: number, width: number, call: (pixel: number, value: number) => void): void {
  const [rows, columns] = [height / PATCH, width / PATCH];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inBlock = (y % PATCH) * PATCH + (x % PATCH);
      const position = Math.floor(y / PATCH) * columns + Math.floor(x / PATCH);
      for (let colour = 0; colour < 3; colour++) {
        call(3 * (y * width + x) + colour, (colour * PATCH * PATCH + inBlock) * rows * columns + position);
      }
    }
  }
}

/** @throws AuroraError `ARGUMENT` unless the picture is RGB with sides that `multiple` divides */
export function checkPicture({ width, height, channels, data }: Raster, multiple: number): void {
  const fits = (side: number): boolean => Number.isInteger(side / multiple) && side > 0;
  if (channels !== 3 || !fits(width) || !fits(height) || data.length !== 3 * width * height) {
    throw new AuroraError(
      'ARGUMENT',
      `image must be RGB with sides that ${multiple} divides, got ${channels} channels, ${width} x ${height}`,
    );
  }
}
