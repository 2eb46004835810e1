import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { checkRaster, decodeImage, MediaError, type Raster, resizeImage } from '@triptych/media';
import { editLimits, type ImageInput, problem } from './options.js';
import { byRows } from './slices.js';

/** A picture ready to be edited. */
export interface LoadedImage {
  /** Upright, 3 channels, or 4 where any pixel is not opaque. */
  readonly raster: Raster;
  /** SHA-256, hexadecimal: of the file's bytes, or of size and pixels where there was no file. */
  readonly hash: string;
  /** Texts of a PNG file; empty otherwise. */
  readonly text: Readonly<Record<string, string>>;
}

/**
 * Reads bytes, a file or pixels. Sizes are checked before anything is unpacked.
 * @param field named in errors: `image` or `mask`
 * @throws AuroraError `ARGUMENT` with the field, its cause a MediaError; the signal's reason
 */
export async function loadImage(
  input: ImageInput,
  field: string,
  signal?: AbortSignal,
): Promise<LoadedImage> {
  try {
    if (typeof input === 'string') return await loadBytes(await readFileBounded(input, signal), signal);
    if (input instanceof Uint8Array) return await loadBytes(input, signal);
    return await fromRaster(input, signal);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (MediaError.isInstance(error)) throw problem(field, `cannot be used: ${error.message}`, error);
    throw error;
  }
}

/** SHA-256 of what `loadImage` would hash, without decoding. @throws as `loadImage` */
export async function hashImage(input: ImageInput, field: string, signal?: AbortSignal): Promise<string> {
  try {
    if (typeof input === 'string') return sha256(await readFileBounded(input, signal));
    return input instanceof Uint8Array ? sha256(input) : (await fromRaster(input, signal)).hash;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (MediaError.isInstance(error)) throw problem(field, `cannot be used: ${error.message}`, error);
    throw error;
  }
}

/** Crops the centre to the shape of a size and scales to it. The same pixels when the size is theirs. */
export async function fitToSize(
  raster: Raster,
  size: { readonly width: number; readonly height: number } | undefined,
  signal?: AbortSignal,
): Promise<Raster> {
  if (size === undefined || (size.width === raster.width && size.height === raster.height)) return raster;
  // Without negative lobes: a mask must not leak beyond its edge.
  const kernel = raster.channels === 1 ? 'linear' : 'lanczos3';
  return resizeImage(raster, { ...size, fit: 'cover', kernel, ...(signal && { signal }) });
}

async function loadBytes(bytes: Uint8Array, signal?: AbortSignal): Promise<LoadedImage> {
  const { maxBytes, maxPixels } = editLimits;
  const decoded = await decodeImage(bytes, {
    channels: 'rgba',
    maxBytes,
    maxPixels,
    ...(signal && { signal }),
  });
  const { width, height, channels, data, text } = decoded;
  checkSides(width, height);
  const raster = await withoutOpaqueAlpha({ width, height, channels, data }, signal);
  return { raster, hash: sha256(bytes), text };
}

async function fromRaster(raster: Raster, signal?: AbortSignal): Promise<LoadedImage> {
  if (typeof raster !== 'object' || raster === null || !(raster.data instanceof Uint8Array))
    throw new MediaError('ARGUMENT', 'give bytes, a path, or a raster of uint8 pixels');
  checkRaster(raster);
  const { width, height, channels, data } = raster;
  checkSides(width, height);
  const shape = new TextEncoder().encode(`${width} ${height} ${channels} `);
  const hash = createHash('sha256').update(shape).update(data).digest('hex');
  const copy: Raster = { width, height, channels, data };
  const seen = channels === 1 ? fromGrey(copy) : await withoutOpaqueAlpha(copy, signal);
  return { raster: seen, hash, text: {} };
}

function checkSides(width: number, height: number): void {
  if (width <= editLimits.maxSide && height <= editLimits.maxSide && width * height <= editLimits.maxPixels)
    return;
  throw new MediaError(
    'IMAGE_LIMIT',
    `it is ${width} x ${height}; at most ${editLimits.maxPixels} pixels and sides of ${editLimits.maxSide} are taken: make it smaller`,
  );
}

/** @throws MediaError `IO` or `IMAGE_LIMIT`; the signal's reason */
export async function readFileBounded(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > editLimits.maxBytes)
      throw new MediaError(
        'IMAGE_LIMIT',
        `${path} has ${size} bytes; at most ${editLimits.maxBytes} are taken`,
      );
    return await readFile(path, signal ? { signal } : {});
  } catch (cause) {
    if (signal?.aborted || MediaError.isInstance(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MediaError('IO', `cannot read ${JSON.stringify(path)}: ${reason}`, { cause });
  }
}

function fromGrey({ width, height, data }: Raster): Raster {
  const rgb = new Uint8Array(3 * data.length);
  for (let i = 0; i < data.length; i++) rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = data[i]!;
  return { width, height, channels: 3, data: rgb };
}

async function withoutOpaqueAlpha(raster: Raster, signal?: AbortSignal): Promise<Raster> {
  const { width, height, channels, data } = raster;
  if (channels !== 4) return raster;
  const rgb = new Uint8Array(3 * width * height);
  let isOpaque = true;
  await byRows(
    height,
    (y) => {
      if (!isOpaque) return;
      for (let i = y * width; i < (y + 1) * width; i++) {
        isOpaque &&= data[4 * i + 3] === 255;
        rgb[3 * i] = data[4 * i]!;
        rgb[3 * i + 1] = data[4 * i + 1]!;
        rgb[3 * i + 2] = data[4 * i + 2]!;
      }
    },
    signal,
  );
  return isOpaque ? { width, height, channels: 3, data: rgb } : raster;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
