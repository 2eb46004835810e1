import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { checkRaster, decodeImage, MediaError, type Raster, resizeImage } from '@triptych/media';
import { editLimits, type ImageInput, problem } from './options.js';

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
    return fromRaster(input);
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
    return input instanceof Uint8Array ? sha256(input) : fromRaster(input).hash;
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
  return { raster: withoutOpaqueAlpha({ width, height, channels, data }), hash: sha256(bytes), text };
}

function fromRaster(raster: Raster): LoadedImage {
  if (typeof raster !== 'object' || raster === null || !(raster.data instanceof Uint8Array))
    throw new MediaError('ARGUMENT', 'give bytes, a path, or a raster of uint8 pixels');
  checkRaster(raster);
  const { width, height, channels, data } = raster;
  checkSides(width, height);
  const shape = new TextEncoder().encode(`${width} ${height} ${channels} `);
  const hash = createHash('sha256').update(shape).update(data).digest('hex');
  const copy: Raster = { width, height, channels, data };
  return { raster: channels === 1 ? fromGrey(copy) : withoutOpaqueAlpha(copy), hash, text: {} };
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
  data.forEach((value, i) => {
    rgb.fill(value, 3 * i, 3 * i + 3);
  });
  return { width, height, channels: 3, data: rgb };
}

function withoutOpaqueAlpha(raster: Raster): Raster {
  const { width, height, channels, data } = raster;
  if (channels !== 4) return raster;
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return raster;
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0, from = 0; i < rgb.length; i += 3, from += 4) {
    rgb[i] = data[from]!;
    rgb[i + 1] = data[from + 1]!;
    rgb[i + 2] = data[from + 2]!;
  }
  return { width, height, channels: 3, data: rgb };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
