import { encodeImage, type Raster, toRgb, writeFileAtomically } from '@triptych/media';
import { type EditParameters, type MetadataLevel, textsFor } from './metadata.js';
import { problem } from './options.js';

/** One edited picture. It can be the input of the next edit, which then carries the chain of parameters. */
export interface EditResult {
  /** In the source's size, or that asked for; 4 channels where the source had transparency. */
  readonly image: Raster;
  readonly seed: number;
  /** 0 .. n - 1. */
  readonly index: number;
  readonly parameters: EditParameters;
}

/** How to encode a result. */
export interface EncodeResultOptions {
  /** Default png. Only PNG carries parameters. */
  readonly format?: 'png' | 'jpeg' | 'webp';
  /** 1..100, jpeg and webp; default 90. */
  readonly quality?: number;
  /** Default `full`. */
  readonly metadata?: MetadataLevel;
  readonly signal?: AbortSignal;
}

/**
 * Encodes a result; the same result and options give the same bytes.
 * @throws MediaError; the signal's reason
 */
export async function encodeResult(
  result: EditResult,
  { format = 'png', quality, metadata = 'full', signal }: EncodeResultOptions = {},
): Promise<Uint8Array> {
  // JPEG has no alpha: without this, transparent places would come out black.
  const image = format === 'jpeg' ? toRgb(result.image) : result.image;
  return encodeImage(image, {
    format,
    ...(quality === undefined ? {} : { quality }),
    ...(format === 'png' ? { text: textsFor(result.parameters, metadata) } : {}),
    ...(signal && { signal }),
  });
}

/** The format that a file's name asks for. @throws AuroraError `ARGUMENT` for other endings */
export function formatOf(path: string): 'png' | 'jpeg' | 'webp' {
  const ending = /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase();
  if (ending === 'png' || ending === 'webp') return ending;
  if (ending === 'jpg' || ending === 'jpeg') return 'jpeg';
  throw problem('output', `${JSON.stringify(path)} must end in .png, .jpg, .jpeg or .webp`);
}

/**
 * `encodeResult` to a file in the format of its name, written atomically.
 * @throws AuroraError `ARGUMENT`; MediaError; the signal's reason
 */
export async function writeResult(
  path: string,
  result: EditResult,
  options: Omit<EncodeResultOptions, 'format'> = {},
): Promise<void> {
  const bytes = await encodeResult(result, { ...options, format: formatOf(path) });
  await writeFileAtomically(path, bytes, options.signal);
}
