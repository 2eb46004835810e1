import { maskFromAlpha, type Raster } from '@triptych/media';
import { fitToSize, loadImage } from './load-image.js';
import { type ImageInput, problem, type ResolvedOptions } from './options.js';
import { byRows } from './slices.js';

/** How much of the edit each pixel takes: 0 is the source, 255 the edit. */
export interface MaskWeights {
  readonly weights: Uint8Array; // [height, width]
  /** SHA-256 of the mask. */
  readonly hash: string;
  /** The seam that was used, pixels. */
  readonly feather: number;
}

/**
 * Reads a mask and turns it into weights.
 * @param shown size of the source as it is shown, before any crop to `options.size`
 * @throws AuroraError `ARGUMENT` for the fields `mask` and `feather`; the signal's reason
 */
export async function loadMask(
  input: ImageInput,
  shown: { readonly width: number; readonly height: number },
  options: Pick<ResolvedOptions, 'size' | 'feather'>,
  signal?: AbortSignal,
): Promise<MaskWeights> {
  const { raster, hash } = isGrey(input)
    ? { raster: input, hash: (await loadImage(input, 'mask', signal)).hash }
    : await loadImage(input, 'mask', signal);
  if (raster.width !== shown.width || raster.height !== shown.height)
    throw problem(
      'mask',
      `is ${raster.width} x ${raster.height}, the picture ${shown.width} x ${shown.height}: make them the same size`,
    );
  const mask = await fitToSize(whereToEdit(raster), options.size, signal);
  if (!mask.data.some((value) => value > 0))
    throw problem('mask', 'marks no pixel to edit: make the place to edit transparent (or white)');
  const feather = options.feather ?? Math.max(1, Math.round(Math.max(mask.width, mask.height) / 100));
  return { weights: await featherInside(mask, feather, signal), hash, feather };
}

/** One channel, 255 where the edit may happen. */
function whereToEdit(raster: Raster): Raster {
  if (raster.channels === 1) return raster;
  if (raster.channels === 4) return maskFromAlpha(raster);
  const { width, height, data } = raster;
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++)
    grey[i] = Math.round((data[3 * i]! + data[3 * i + 1]! + data[3 * i + 2]!) / 3);
  return { width, height, channels: 1, data: grey };
}

/**
 * Weights that rise from 0 at the mask's edge to the mask's own value `feather` pixels inside; outside they are exactly
 * 0. The picture's border is no edge. Where the whole mask is thinner than the seam, the seam is as wide as there is
 * room for: the middle always takes the full edit.
 */
export async function featherInside(
  mask: Raster,
  feather: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (feather <= 0) return mask.data;
  const distance = await distanceInside(mask, signal);
  let deepest = 0;
  for (const value of distance) if (value > deepest && value !== Number.POSITIVE_INFINITY) deepest = value;
  // Without an edge (all is mask) every distance is infinite and every weight full.
  const seam = Math.max(1, Math.min(feather, deepest));
  const { width, height, data } = mask;
  const weights = new Uint8Array(width * height);
  await byRows(
    height,
    (y) => {
      for (let i = y * width; i < (y + 1) * width; i++) {
        if (data[i] === 0) continue;
        const t = Math.min(1, distance[i]! / seam);
        weights[i] = Math.round(data[i]! * t * t * (3 - 2 * t));
      }
    },
    signal,
  );
  return weights;
}

/** Distance of each pixel to the nearest one outside the mask, by two sweeps (error below 8 %). */
async function distanceInside({ width, height, data }: Raster, signal?: AbortSignal): Promise<Float32Array> {
  const out = new Float32Array(width * height);
  const diagonal = Math.SQRT2;
  const at = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= width || y >= height ? Number.POSITIVE_INFINITY : out[y * width + x]!;
  const sweep = (y: number, step: 1 | -1): void => {
    for (let i = 0; i < width; i++) {
      const x = step === 1 ? i : width - 1 - i;
      const index = y * width + x;
      if (data[index] === 0) continue;
      const before = Math.min(
        at(x - step, y) + 1,
        at(x, y - step) + 1,
        at(x - step, y - step) + diagonal,
        at(x + step, y - step) + diagonal,
      );
      out[index] = step === 1 ? before : Math.min(out[index]!, before);
    }
  };
  await byRows(height, (y) => sweep(y, 1), signal);
  await byRows(height, (row) => sweep(height - 1 - row, -1), signal);
  return out;
}

function isGrey(input: ImageInput): input is Raster {
  return typeof input === 'object' && !(input instanceof Uint8Array) && input?.channels === 1;
}
