import type { Raster } from '@triptych/media';
import { l1, l2, pixelMetrics } from './pixels.js';
import { type EditTruth, ReadBackJudge, type ReadBackReason } from './read-back/read-back.js';
import { ssim } from './ssim.js';

/** Distances to a target picture: what they reward is closeness, and copying the source is close. */
export interface ReferenceScores {
  /** Mean absolute difference, 0..1. */
  readonly l1: number;
  /** Mean squared difference, 0..1. */
  readonly l2: number;
  /** Structural similarity, -1..1. */
  readonly ssim: number;
  /** CLIP-I: cosine of the image embeddings, -1..1; only where there are CLIP weights. */
  readonly clipI?: number;
}

/** Everything that is measured of one output whose truth is known; yes and no are 1 and 0. */
export interface EditScores extends ReferenceScores {
  readonly progress: number;
  readonly preservationMse: number;
  readonly preservationDeltaE: number;
  /** 1 when progress and preservation are within bounds. */
  readonly success: number;
  /** Read-back: 0, 50 or 100. */
  readonly object: number;
  /** 1 when the read-back is 100. */
  readonly objectSuccess: number;
  readonly objectReason: ReadBackReason;
}

/**
 * Distances of an output to its target.
 * @throws AuroraError `ARGUMENT` for pictures of different sizes or not RGB
 */
export function referenceScores(target: Raster, output: Raster): ReferenceScores {
  return { l1: l1(target, output), l2: l2(target, output), ssim: ssim(target, output) };
}

/** Measures outputs of one edit. Pictures of what may be there are rendered once for all outputs. */
export class EditJudge {
  readonly #truth: EditTruth;
  readonly #readBack: ReadBackJudge;

  /** @throws AuroraError `ARGUMENT` for pictures of different sizes or not RGB */
  constructor(truth: EditTruth) {
    this.#truth = truth;
    this.#readBack = new ReadBackJudge(truth);
  }

  /** @throws AuroraError `ARGUMENT` for an output of another size than the source */
  score(output: Raster): EditScores {
    const { source, target } = this.#truth;
    const { success, ...pixels } = pixelMetrics(source, target, output);
    const { score, reason } = this.#readBack.judge(output);
    return {
      ...pixels,
      success: success ? 1 : 0,
      object: score,
      objectSuccess: score === 100 ? 1 : 0,
      objectReason: reason,
      ...referenceScores(target, output),
    };
  }
}
