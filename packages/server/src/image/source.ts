/**
 * @module
 * What the image panel needs of an editor. The server knows no image library: pictures are encoded bytes here, and
 * whoever wires the panel in (the CLI, over `@triptych/aurora`) implements this.
 */

export const imageFormats = ['png', 'jpeg', 'webp'] as const;
export type ImageFormat = (typeof imageFormats)[number];

export const samplerNames = ['ddim', 'euler', 'euler-ancestral', 'dpm++'] as const;
export type ImageSampler = (typeof samplerNames)[number];

/** Bounds of the request fields; the same for every model. */
export const imageLimits = {
  steps: [1, 100],
  textGuidance: [1, 20],
  imageGuidance: [1, 5],
  n: [1, 10],
  instructionCharacters: 2000,
  /** Pixels of the seam that `feather` may ask for. */
  feather: [0, 256],
  /** Most pixels of `size`. */
  maxPixels: 2 ** 24,
} as const;

/** An image model as clients see it. */
export interface ImageModelInfo {
  readonly id: string;
  /** SHA-256 of the weights, hexadecimal. */
  readonly hash: string;
  readonly nativeSide: number;
  readonly sideMultiple: number;
  readonly samplers: readonly ImageSampler[];
  readonly defaults: {
    readonly steps: number;
    readonly sampler: ImageSampler;
    readonly textGuidance: number;
    readonly imageGuidance: number;
  };
  readonly description: string;
}

/** One edit, validated as far as that goes without decoding pictures. What is left out is the model's default. */
export interface ImageEditRequest {
  readonly model: string;
  /** An encoded picture: PNG, JPEG, WebP, GIF, TIFF or AVIF. */
  readonly image: Uint8Array;
  readonly instruction: string;
  /** An encoded picture of the same size; transparent where the edit may happen. */
  readonly mask?: Uint8Array;
  readonly negative?: string;
  readonly n: number;
  readonly seed?: number;
  readonly steps?: number;
  readonly sampler?: ImageSampler;
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  /** Pixels. */
  readonly feather?: number;
  /** Of the result; left out: that of the picture. */
  readonly size?: { readonly width: number; readonly height: number };
  readonly format: ImageFormat;
  /** 1..100, jpeg and webp only. */
  readonly quality?: number;
  /** How many previews each result wants on its way, 0..3. */
  readonly previews: number;
}

/** What an edit tells on its way, in order. `index` counts results from 0. */
export type ImageEditEvent =
  | {
      readonly type: 'progress';
      readonly index: number;
      readonly step: number;
      readonly steps: number;
      /** Of the whole request; undefined before the first step was timed. */
      readonly etaSeconds?: number;
    }
  | {
      readonly type: 'preview';
      readonly index: number;
      /** Counts the previews of one result from 0. */
      readonly previewIndex: number;
      readonly step: number;
      readonly steps: number;
      /** Of the preview, which may be smaller or larger than the result. */
      readonly width: number;
      readonly height: number;
      /** In the request's format. */
      readonly bytes: Uint8Array;
    }
  | {
      readonly type: 'image';
      readonly index: number;
      readonly seed: number;
      readonly width: number;
      readonly height: number;
      /** In the request's format. */
      readonly bytes: Uint8Array;
    };

/** A picture to try edits on. */
export interface ImageScene {
  /** PNG. */
  readonly bytes: Uint8Array;
  readonly seed: number;
  /** Instructions that fit the picture. */
  readonly suggestions: readonly string[];
}

/** Image models and what belongs to them. Calls may overlap; the server queues edits itself. */
export interface ImageSource {
  /** The models, default first; may load a model's description on the first call. @throws ImageError `unavailable` */
  models(): Promise<readonly ImageModelInfo[]>;
  /**
   * Runs one edit and reports through `onEvent`: progress after each step, an `image` for each of `n` results.
   * @throws ImageError; the signal's reason within one step
   */
  edit(
    request: ImageEditRequest,
    options: { readonly signal: AbortSignal; readonly onEvent: (event: ImageEditEvent) => void },
  ): Promise<void>;
  /** A made-up scene. @throws ImageError; the signal's reason */
  scene(
    request: { readonly seed: number; readonly count?: number; readonly size: number },
    signal: AbortSignal,
  ): Promise<ImageScene>;
  /**
   * The parameters that an earlier edit wrote into a picture, ready for JSON; undefined when there are none.
   * @throws ImageError
   */
  recall(image: Uint8Array): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Ends running edits and frees the models. */
  close(): Promise<void>;
}

/** `invalid_value` and `invalid_image` are the client's doing, the others the server's. */
export type ImageErrorCode = 'invalid_value' | 'invalid_image' | 'image_too_large' | 'unavailable';

const marker = Symbol.for('triptych.ImageError');

/** What an `ImageSource` throws when a request cannot be served; the message is shown to the client. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;
  /** The field of the HTTP request that caused it. */
  readonly field: string | undefined;
  readonly [marker] = true;

  constructor(
    code: ImageErrorCode,
    message: string,
    options: { readonly field?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.field = options.field;
  }

  /** True for an `ImageError` of any copy of this package. */
  static isInstance(error: unknown): error is ImageError {
    return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[marker] === true;
  }
}
