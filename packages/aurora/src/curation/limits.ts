import { AuroraError } from '../errors.js';
import type { PairScores, RejectionReason } from './candidate.js';

/** Where the filters draw the line; see {@link PairScores} for the units. */
export interface CurationLimits {
  /** Largest step between consecutive frames. */
  readonly maxCut: number;
  readonly maxCameraMotion: number;
  readonly minChanged: number;
  readonly maxChanged: number;
  readonly maxExtent: number;
  readonly maxRegions: number;
  readonly minSharpness: number;
  /** Band of the embedding distance; undefined takes the embedder's own. */
  readonly minDistance: number | undefined;
  readonly maxDistance: number | undefined;
}

/**
 * Set on rendered clips of known truth (`scripts/curation-truth.mjs`); strict, for one small change is wanted: four
 * regions are two things that each left one place and came to another.
 */
export const defaultLimits: CurationLimits = {
  maxCut: 0.12,
  maxCameraMotion: 0.003,
  minChanged: 0.003,
  maxChanged: 0.3,
  maxExtent: 0.34,
  maxRegions: 4,
  minSharpness: 0.5,
  minDistance: undefined,
  maxDistance: undefined,
};

/**
 * Fills in and checks limits.
 * @throws AuroraError `ARGUMENT` naming the limit
 */
export function completeLimits(given: Partial<CurationLimits> = {}): CurationLimits {
  const limits = { ...defaultLimits, ...given };
  for (const [name, value] of Object.entries(limits))
    if (value !== undefined && !(value >= 0 && value <= 1000))
      throw new AuroraError('ARGUMENT', `limits.${name} must be a number from 0, not ${value}`);
  if (limits.minChanged > limits.maxChanged)
    throw new AuroraError('ARGUMENT', 'limits.minChanged must not be above limits.maxChanged');
  if (
    limits.minDistance !== undefined &&
    limits.maxDistance !== undefined &&
    limits.minDistance > limits.maxDistance
  )
    throw new AuroraError('ARGUMENT', 'limits.minDistance must not be above limits.maxDistance');
  return limits;
}

/** Every reason to reject a pair by what is measured; scores that are missing reject nothing. */
export function reasonsOf(
  scores: Partial<PairScores>,
  limits: CurationLimits,
  band: readonly [number, number],
): RejectionReason[] {
  const { cut, cameraMotion, changed, extent, regions, sharpness, distance } = scores;
  const above = (value: number | undefined, limit: number): boolean => value !== undefined && value > limit;
  const below = (value: number | undefined, limit: number): boolean => value !== undefined && value < limit;
  const reasons: RejectionReason[] = [];
  if (above(cut, limits.maxCut)) reasons.push('cut');
  if (above(cameraMotion, limits.maxCameraMotion)) reasons.push('camera-motion');
  if (below(changed, limits.minChanged)) reasons.push('no-change');
  if (
    above(changed, limits.maxChanged) ||
    above(extent, limits.maxExtent) ||
    above(regions, limits.maxRegions)
  )
    reasons.push('too-much-change');
  if (below(distance, limits.minDistance ?? band[0])) reasons.push('embedding-near');
  if (above(distance, limits.maxDistance ?? band[1])) reasons.push('embedding-far');
  if (below(sharpness, limits.minSharpness)) reasons.push('quality');
  return reasons;
}

/**
 * How minimal a change is, 0..1: few regions (0.35), compact ones (0.25), nothing elsewhere (0.2: noise of 2 levels
 * costs little, 6 levels all) and a moderate size (0.2: up to a tenth of the frame, then falling to 0 at four tenths);
 * all this counts half when a hundredth of the frame or more is moving right at one of the frames: it then shows an
 * action under way, not what was before or came after.
 */
export function minimalityOf({
  regions,
  compactness,
  outside,
  changed,
  moving,
}: Pick<PairScores, 'regions' | 'compactness' | 'outside' | 'changed' | 'moving'>): number {
  if (regions === 0) return 0;
  const size = Math.min(1, Math.max(0, (0.4 - changed) / 0.3));
  const clean = Math.exp(-((outside / 3) ** 2) / 2);
  const minimality = 0.35 / regions + 0.25 * compactness + 0.2 * clean + 0.2 * size;
  return minimality * (1 - 0.5 * Math.min(1, moving / 0.01));
}

/** What a reviewer should know about a pair that passed. */
export function remarksOf(scores: PairScores, limits: CurationLimits): string[] {
  const remarks: string[] = [];
  const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
  const pieces = scores.regions === 1 ? 'one region' : `${scores.regions} regions`;
  remarks.push(`${pieces}, ${percent(scores.changed)} of the frame changed`);
  if (scores.cameraMotion > limits.maxCameraMotion / 2)
    remarks.push(`the camera may have moved (${percent(scores.cameraMotion)} of the diagonal)`);
  if (scores.cut > limits.maxCut / 2) remarks.push('there is a large step between the frames');
  if (scores.moving > 0.003) remarks.push('a frame may show the action under way');
  if (scores.outside > 4) remarks.push('there are small differences elsewhere');
  if (scores.sharpness < 0.75) remarks.push('one frame is less sharp');
  return remarks;
}
