import { NetworkError } from '../errors.js';

/** What a sampler needs for one step. */
export interface SamplerStep {
  /** 0-based position in {@link Sampler.timesteps}; steps are taken in order. */
  readonly index: number;
  /** What the network predicted for the scaled input at `timesteps[index]`; same layout as `sample`. */
  readonly prediction: Float32Array;
  readonly sample: Float32Array;
  /** Standard normal noise; used only where {@link Sampler.needsNoise} says so. */
  readonly noise?: Float32Array | undefined;
}

/** One run from noise to a sample, over any layout: every operation is elementwise. */
export interface Sampler {
  /** What the network is conditioned on, descending; whole numbers or not. */
  readonly timesteps: readonly number[];
  /** Noise levels, one more than steps (k-diffusion's); `undefined` for DDIM. */
  readonly sigmas: Float32Array | undefined;
  /** Standard normal noise times this is the sample to start from. */
  readonly initialNoiseScale: number;
  /** True if step `index` adds fresh noise. */
  needsNoise(index: number): boolean;
  /** The sample as the network wants to see it at this step; a new array or the sample itself. */
  scaleInput(sample: Float32Array, index: number): Float32Array;
  /**
   * The sample after this step, as a new array.
   * @throws NetworkError `invalid_argument` for lengths that differ, missing noise or steps out of order
   */
  advance(step: SamplerStep): Float32Array;
  /** The clean sample that this step's prediction implies, as a new array: what a preview shows. */
  clean(step: Pick<SamplerStep, 'index' | 'prediction' | 'sample'>): Float32Array;
}

/** Checks a step's arguments; returns its noise (an empty array if none is needed). */
export function checkStep(sampler: Sampler, { index, prediction, sample, noise }: SamplerStep): Float32Array {
  const count = sampler.timesteps.length;
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new NetworkError('invalid_argument', `step ${index} does not exist: the run has ${count} steps`);
  }
  if (prediction.length !== sample.length) {
    throw new NetworkError(
      'invalid_argument',
      `prediction has ${prediction.length} values, sample has ${sample.length}`,
    );
  }
  if (!sampler.needsNoise(index)) return new Float32Array();
  if (noise?.length !== sample.length) {
    throw new NetworkError(
      'invalid_argument',
      `step ${index} needs noise of ${sample.length} values, got ${noise?.length ?? 'none'}`,
    );
  }
  return noise;
}
