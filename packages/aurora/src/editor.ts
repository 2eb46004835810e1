import type { Raster } from '@triptych/media';

/** Ways to go from noise to a picture. */
export const samplerNames = ['ddim', 'euler', 'euler-ancestral', 'dpm++'] as const;
export type SamplerName = (typeof samplerNames)[number];

/** What a model is asked for. Everything is set: defaults are the model's ({@link Editor.defaults}) and filled in above. */
export interface EditorRequest extends EditorSettings {
  /** RGB; both sides are multiples of {@link Editor.sideMultiple}. */
  readonly image: Raster;
  readonly instruction: string;
  /** What the result should not be; the empty text for nothing. */
  readonly negative: string;
  /** 0 .. 2^32 - 1. The same seed, request and model give the same bytes. */
  readonly seed: number;
}

/** How a model is run. */
export interface EditorSettings {
  readonly steps: number;
  readonly sampler: SamplerName;
  /** How strongly the instruction is followed (s_T of Brooks et al. 2023). */
  readonly textGuidance: number;
  /** How strongly the source is kept (s_I). */
  readonly imageGuidance: number;
}

/** One step is done. */
export interface EditorProgress {
  readonly step: number;
  readonly steps: number;
  /** The result as the model sees it now, at any size; computed when called, only during the callback. */
  readonly preview: () => Raster;
}

/** A model that edits pictures by instruction: the embedded one, or a diffusers folder of the InstructPix2Pix kind. */
export interface Editor extends AsyncDisposable {
  /** The folder's name: what APIs and reports call the model. */
  readonly name: string;
  /** What users should know of how this model is run, in one sentence; mostly there is nothing. */
  readonly note?: string | undefined;
  /** SHA-256 of the weights, hexadecimal: goes into metadata. */
  readonly hash: string;
  /** Sides of pictures must be multiples of this. */
  readonly sideMultiple: number;
  /** The side the model was trained at: sizes near it give the best results. */
  readonly nativeSide: number;
  readonly defaults: EditorSettings;
  /**
   * Runs one edit; calls are queued. The signal is looked at before every network evaluation.
   * @throws AuroraError `ARGUMENT` naming the field; the signal's reason
   */
  run(
    request: EditorRequest,
    options?: { readonly signal?: AbortSignal; readonly onProgress?: (progress: EditorProgress) => void },
  ): Promise<Raster>;
  /**
   * The picture in the space the model denoises in, scaled as it denoises it: what DiscEdit measures distances in.
   * @throws as `run`
   */
  encode(image: Raster, options?: { readonly signal?: AbortSignal }): Promise<Float32Array>;
}
