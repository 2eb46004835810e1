import sharp from 'sharp';
import { writeFileAtomically } from './atomic-file.js';
import { MediaError, reasonOf } from './errors.js';
import { type PngText, withPngText } from './png-text.js';
import { checkRaster, type Raster } from './raster.js';

/** How to encode. */
export interface EncodeOptions {
  /** Default 'png', which loses nothing. */
  format?: 'png' | 'jpeg' | 'webp';
  /** 1..100 for jpeg and webp; default 90. */
  quality?: number;
  /** Texts to carry (PNG only), such as the parameters that made the picture. */
  text?: PngText;
  signal?: AbortSignal;
}

/** How to resize. */
export interface ResizeOptions {
  width: number;
  height: number;
  /** 'fill' squashes (default), 'cover' crops the centre, 'contain' adds white bars. */
  fit?: 'fill' | 'cover' | 'contain';
  /** Default 'lanczos3'; 'nearest' for masks. */
  kernel?: 'lanczos3' | 'cubic' | 'linear' | 'nearest';
  signal?: AbortSignal;
}

function open(raster: Raster) {
  checkRaster(raster);
  const { data, width, height, channels } = raster;
  return sharp(data, { raw: { width, height, channels } });
}

/**
 * Encodes pixels; the same pixels and options give the same bytes (with one version of sharp).
 * @throws MediaError `ARGUMENT`, `IMAGE_ENCODE`, `PNG_TEXT`; the signal's reason when aborted
 */
export async function encodeImage(raster: Raster, options: EncodeOptions = {}): Promise<Uint8Array> {
  const { format = 'png', quality = 90, text, signal } = options;
  signal?.throwIfAborted();
  if (!(quality >= 1 && quality <= 100))
    throw new MediaError('ARGUMENT', `quality must be from 1 to 100, not ${quality}`);
  if (text !== undefined && format !== 'png')
    throw new MediaError('ARGUMENT', `text needs format 'png'; ${format} does not carry it`);
  const source = open(raster).toColourspace(raster.channels === 1 ? 'b-w' : 'srgb');
  try {
    const encoded = await (format === 'png'
      ? source.png({ compressionLevel: 6 })
      : format === 'jpeg'
        ? source.jpeg({ quality, chromaSubsampling: '4:4:4' })
        : source.webp({ quality })
    ).toBuffer();
    signal?.throwIfAborted();
    return text === undefined ? encoded : withPngText(encoded, text);
  } catch (error) {
    if (MediaError.isInstance(error) || signal?.aborted) throw error;
    throw new MediaError('IMAGE_ENCODE', `cannot encode as ${format}: ${reasonOf(error)}`, { cause: error });
  }
}

/** `encodeImage` to a file, written atomically. */
export async function writeImage(path: string, raster: Raster, options: EncodeOptions = {}): Promise<void> {
  await writeFileAtomically(path, await encodeImage(raster, options), options.signal);
}

/**
 * Resizes pixels.
 * @throws MediaError `ARGUMENT` for a size that is not a whole number from 1 to 16384
 */
export async function resizeImage(raster: Raster, options: ResizeOptions): Promise<Raster> {
  const { width, height, fit = 'fill', kernel = 'lanczos3', signal } = options;
  signal?.throwIfAborted();
  for (const [name, size] of Object.entries({ width, height }))
    if (!Number.isInteger(size) || size < 1 || size > 16384)
      throw new MediaError('ARGUMENT', `${name} must be a whole number from 1 to 16384, not ${size}`);
  const data = await open(raster)
    .resize({ width, height, fit, kernel, background: '#fff' })
    .toColourspace(raster.channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer();
  signal?.throwIfAborted();
  return {
    width,
    height,
    channels: raster.channels,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}
