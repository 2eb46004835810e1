import { readFile, stat } from 'node:fs/promises';
import sharp from 'sharp';
import { MediaError, reasonOf } from './errors.js';
import { type PngText, readPngText } from './png-text.js';
import type { Raster } from './raster.js';

/** What a decoder may be asked to swallow. */
export interface DecodeOptions {
  /** Largest file, bytes; default 32 MiB. */
  maxBytes?: number;
  /** Largest picture, pixels, checked from the header before anything is unpacked; default 2^24. */
  maxPixels?: number;
  /** Channels of the result; default 'rgb', alpha laid over white. */
  channels?: 'rgb' | 'rgba' | 'grey';
  signal?: AbortSignal;
}

/** A decoded image. */
export interface DecodedImage extends Raster {
  /** As the file's first bytes tell: png, jpeg, webp, gif, tiff, avif/heif. */
  readonly format: string;
  /** Text of a PNG (its parameters); empty for other formats. */
  readonly text: PngText;
}

const formats = new Set(['png', 'jpeg', 'webp', 'gif', 'tiff', 'heif']);
const signatures: readonly (readonly [number, readonly number[]])[] = [
  [0, [0x89, 0x50, 0x4e, 0x47]], // PNG
  [0, [0xff, 0xd8, 0xff]], // JPEG
  [8, [0x57, 0x45, 0x42, 0x50]], // WEBP in RIFF
  [0, [0x47, 0x49, 0x46, 0x38]], // GIF8
  [0, [0x49, 0x49, 0x2a, 0x00]], // TIFF
  [0, [0x4d, 0x4d, 0x00, 0x2a]],
  [4, [0x66, 0x74, 0x79, 0x70]], // ftyp: AVIF, HEIF
];

/** SVG, PDF and the like may fetch files or run for long: only raster formats pass, by their first bytes. */
function hasSignature(bytes: Uint8Array): boolean {
  return signatures.some(([at, magic]) => magic.every((byte, i) => bytes[at + i] === byte));
}

/**
 * Decodes PNG, JPEG, WebP, GIF (first frame), TIFF or AVIF to uint8 pixels, turned upright by its EXIF orientation and
 * converted to sRGB.
 *
 * @throws MediaError `IMAGE_LIMIT` for too many bytes or pixels, `IMAGE_DECODE` for anything that is not such an image
 *   or is damaged; the signal's reason when aborted
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DecodedImage> {
  const { maxBytes = 32 << 20, maxPixels = 1 << 24, channels = 'rgb', signal } = options;
  signal?.throwIfAborted();
  if (bytes.byteLength > maxBytes)
    throw new MediaError(
      'IMAGE_LIMIT',
      `the image has ${bytes.byteLength} bytes; at most ${maxBytes} are taken`,
    );
  if (!hasSignature(bytes))
    throw new MediaError('IMAGE_DECODE', 'not an image: send PNG, JPEG, WebP, GIF, TIFF or AVIF');
  try {
    const source = sharp(bytes, { limitInputPixels: false, failOn: 'warning', sequentialRead: true });
    const { format, width, height } = await source.metadata();
    if (format === undefined || !formats.has(format))
      throw new MediaError('IMAGE_DECODE', `format ${format} is not taken: send PNG, JPEG or WebP`);
    if (width * height > maxPixels)
      throw new MediaError(
        'IMAGE_LIMIT',
        `the image is ${width} x ${height} pixels; at most ${maxPixels} pixels are taken: make it smaller`,
      );
    signal?.throwIfAborted();
    let upright = source.autoOrient().toColourspace(channels === 'grey' ? 'b-w' : 'srgb');
    if (channels === 'rgba') upright = upright.ensureAlpha();
    else upright = upright.flatten({ background: '#fff' });
    const { data, info } = await upright.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    signal?.throwIfAborted();
    return {
      width: info.width,
      height: info.height,
      channels: info.channels as 1 | 3 | 4,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      format,
      text: format === 'png' ? readPngText(bytes) : {},
    };
  } catch (error) {
    if (MediaError.isInstance(error) || signal?.aborted) throw error;
    throw new MediaError('IMAGE_DECODE', `the image cannot be decoded: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * `decodeImage` of a file; its size is checked before it is read.
 * @throws MediaError `IO` too
 */
export async function readImage(path: string, options: DecodeOptions = {}): Promise<DecodedImage> {
  const { maxBytes = 32 << 20, signal } = options;
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > maxBytes)
      throw new MediaError('IMAGE_LIMIT', `${path} has ${size} bytes; at most ${maxBytes} are taken`);
    bytes = await readFile(path, signal ? { signal } : {});
  } catch (error) {
    if (MediaError.isInstance(error)) throw error;
    if (signal?.aborted) throw signal.reason;
    throw new MediaError('IO', `cannot read ${JSON.stringify(path)}: ${reasonOf(error)}`, { cause: error });
  }
  return decodeImage(bytes, options);
}
