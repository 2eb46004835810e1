import type { Raster } from '@triptych/media';
import { type EditorSettings, type SamplerName, samplerNames } from '../editor.js';
import { AuroraError } from '../errors.js';

/** Bounds of what may be asked for. */
export const editLimits = {
  instructionCharacters: 2000,
  steps: [1, 100],
  textGuidance: [1, 20],
  imageGuidance: [1, 5],
  n: [1, 10],
  feather: [0, 256],
  /** Most pixels of a picture, before and after. */
  maxPixels: 2 ** 24,
  /** Largest file, bytes. */
  maxBytes: 32 * 2 ** 20,
  /** Longest side of a picture. */
  maxSide: 16_384,
} as const;

/** A picture: encoded bytes, the path of a file, or pixels. */
export type ImageInput = Uint8Array | string | Raster;

/** How to edit. What is left out is the model's default. */
export interface EditOptions {
  /**
   * Follow the instruction: 1 takes it as a hint, higher is more literal and in the end overdone. Too little change:
   * raise it, or lower `imageGuidance`.
   */
  readonly textGuidance?: number;
  /** Keep the picture: 1 lets it go, higher stays closer to the source. Too much change: raise it. */
  readonly imageGuidance?: number;
  /** Whole number below 2^32. Same seed, input, options and model: same pixels. Default: random. */
  readonly seed?: number;
  /** Network evaluations; more are slower and finer. */
  readonly steps?: number;
  readonly sampler?: SamplerName;
  /** Results, with seeds seed, seed + 1, ... Default 1. */
  readonly n?: number;
  /** What the result should not be. */
  readonly negative?: string;
  /**
   * Where the edit may happen, the size of the picture as it is shown (after EXIF turning). Of pixels with one channel
   * 255 means edit and 0 keep. Of pixels with alpha, transparent means edit. An encoded mask is read by its alpha when
   * any pixel is transparent, else white means edit. Outside, the source's pixels are kept exactly.
   */
  readonly mask?: ImageInput;
  /** Width of the seam, inside the mask, pixels. Default: 1 % of the longer side. */
  readonly feather?: number;
  /** Size of the result: the source is cropped at its centre to this shape first, never squeezed. Default: the source's. */
  readonly size?: { readonly width: number; readonly height: number };
  /**
   * True (default): pixels that the model did not change stay the source's, and fine detail that the model cannot see
   * survives. False: the model's whole picture, enlarged; for global changes of style.
   */
  readonly preserve?: boolean;
}

/** Options with everything set, checked. */
export interface ResolvedOptions extends EditorSettings {
  readonly instruction: string;
  readonly negative: string;
  readonly seed: number;
  readonly n: number;
  readonly preserve: boolean;
  readonly feather: number | undefined;
  readonly size: { readonly width: number; readonly height: number } | undefined;
}

/**
 * Fills in the model's defaults and checks everything that needs no pixels.
 * @throws AuroraError `ARGUMENT` with the field
 */
export function resolveOptions(
  instruction: string,
  options: EditOptions,
  defaults: EditorSettings,
  randomSeed: () => number,
): ResolvedOptions {
  const { preserve = true, size, feather, sampler = defaults.sampler } = options;
  checkText('instruction', instruction);
  if (instruction.trim() === '')
    throw problem('instruction', 'is empty: say what to change, such as "make the cube red"');
  checkText('negative', options.negative ?? '');
  if (!samplerNames.includes(sampler))
    throw problem('sampler', `must be one of ${samplerNames.join(', ')}, not ${JSON.stringify(sampler)}`);
  if (typeof preserve !== 'boolean') throw problem('preserve', 'must be true or false');
  if (size !== undefined) checkSize(size);
  return {
    instruction: instruction.trim(),
    negative: (options.negative ?? '').trim(),
    seed: whole('seed', options.seed ?? randomSeed(), [0, 2 ** 32 - 1]),
    n: whole('n', options.n ?? 1, editLimits.n),
    steps: whole('steps', options.steps ?? defaults.steps, editLimits.steps),
    sampler,
    textGuidance: inRange(
      'textGuidance',
      options.textGuidance ?? defaults.textGuidance,
      editLimits.textGuidance,
    ),
    imageGuidance: inRange(
      'imageGuidance',
      options.imageGuidance ?? defaults.imageGuidance,
      editLimits.imageGuidance,
    ),
    feather: feather === undefined ? undefined : inRange('feather', feather, editLimits.feather),
    size,
    preserve,
  };
}

/** An `ARGUMENT` error that begins with the field. */
export function problem(field: string, what: string, cause?: unknown): AuroraError {
  return new AuroraError('ARGUMENT', `${field} ${what}`, {
    field,
    ...(cause === undefined ? {} : { cause }),
  });
}

function checkText(field: string, text: unknown): void {
  if (typeof text !== 'string') throw problem(field, 'must be a text');
  if (text.length > editLimits.instructionCharacters)
    throw problem(
      field,
      `has ${text.length} characters; at most ${editLimits.instructionCharacters} are taken: say it shorter`,
    );
}

function checkSize({ width, height }: { readonly width: number; readonly height: number }): void {
  for (const side of [width, height])
    if (!Number.isInteger(side) || side < 1 || side > editLimits.maxSide)
      throw problem('size', `must have sides from 1 to ${editLimits.maxSide}, not ${width} x ${height}`);
  if (width * height > editLimits.maxPixels)
    throw problem('size', `${width} x ${height} is more than ${editLimits.maxPixels} pixels: ask for less`);
}

function whole(field: string, value: number, [low, high]: readonly [number, number]): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw problem(field, `must be a whole number from ${low} to ${high}, not ${value}`);
}

function inRange(field: string, value: number, [low, high]: readonly [number, number]): number {
  // NaN fails both comparisons.
  if (typeof value === 'number' && value >= low && value <= high) return value;
  throw problem(field, `must be a number from ${low} to ${high}, not ${value}`);
}
