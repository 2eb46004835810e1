import { NetworkError } from '../errors.js';

/** Strengths of dual classifier-free guidance (Brooks et al. 2023, eq. 3). */
export interface GuidanceScales {
  /** How strongly the result follows the text; 1 is plain conditioning. */
  readonly text: number;
  /** How strongly the result keeps to the source image; 1 is plain conditioning. */
  readonly image: number;
}

/** What a branch of guidance is conditioned on: text and image, image only, or nothing. */
export type GuidanceBranch = 'full' | 'image' | 'none';

/** A branch and the factor of its prediction in the guided sum. */
export interface WeightedBranch {
  readonly branch: GuidanceBranch;
  readonly weight: number;
}

/**
 * The guided prediction as a weighted sum of branches:
 *
 *     e(z,0,0) + image (e(z,I,0) - e(z,0,0)) + text (e(z,I,T) - e(z,I,0))
 *       = text e(z,I,T) + (image - text) e(z,I,0) + (1 - image) e(z,0,0)
 *
 * Branches of weight 0 are left out, so they need not be evaluated: image = 1 is ordinary two-branch guidance and
 * text = image = 1 is the plain conditional prediction, bit for bit. The order is that of diffusers' batch.
 * @throws NetworkError `invalid_argument` for scales that are not finite numbers of at least 0
 */
export function guidanceBranches({ text, image }: GuidanceScales): readonly WeightedBranch[] {
  for (const [name, scale] of [
    ['text', text],
    ['image', image],
  ] as const) {
    if (!Number.isFinite(scale) || scale < 0) {
      throw new NetworkError('invalid_argument', `${name} guidance must be a number >= 0, got ${scale}`);
    }
  }
  const branches: readonly WeightedBranch[] = [
    { branch: 'full', weight: text },
    { branch: 'image', weight: image - text },
    { branch: 'none', weight: 1 - image },
  ];
  return branches.filter(({ weight }) => weight !== 0);
}

/**
 * Sums the branches' predictions, which lie one after the other in a batch: [branches, ...] -> [...].
 * @throws NetworkError `invalid_argument` if the batch does not divide into the branches
 */
export function guide(branches: readonly WeightedBranch[], predictions: Float32Array): Float32Array {
  const width = predictions.length / branches.length;
  if (!Number.isInteger(width) || branches.length === 0) {
    throw new NetworkError(
      'invalid_argument',
      `${predictions.length} predicted values do not divide into ${branches.length} branches`,
    );
  }
  return Float32Array.from({ length: width }, (_, i) =>
    branches.reduce(
      (sum, { weight }, branch) => sum + weight * (predictions[branch * width + i] ?? Number.NaN),
      0,
    ),
  );
}
