import type { Raster } from '@triptych/media';
import type { Editor } from '../editor.js';
import { AuroraError } from '../errors.js';
import { type BootstrapOptions, bootstrapMean, type Estimate } from './statistics.js';

/** Which of two outputs from the same noise stayed closer to the source. */
export type DiscOutcome = 'win' | 'tie' | 'loss';

/** One comparison: distances from the source in the space the model denoises in. */
export interface DiscDistances {
  /** To the output of the instruction that already holds. */
  readonly noChange: number;
  /** To the output of the instruction that asks for a change. */
  readonly change: number;
}

/**
 * Euclidean distance of two encodings. Both must come from `Editor.encode`, so that they are on one scale.
 * @throws AuroraError `ARGUMENT` when their lengths differ
 */
export function latentDistance(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length)
    throw new AuroraError(
      'ARGUMENT',
      `encodings have ${a.length} and ${b.length} values: encode pictures of one size`,
    );
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

/** Won when the output for the no-change instruction is strictly closer; a tie within a millionth of the larger one. */
export function discOutcome({ noChange, change }: DiscDistances): DiscOutcome {
  if (Math.abs(noChange - change) <= 1e-6 * Math.max(noChange, change)) return 'tie';
  return noChange < change ? 'win' : 'loss';
}

/** Distances of two finished outputs from their source. */
export async function discDistances(
  editor: Pick<Editor, 'encode'>,
  pictures: { readonly source: Raster; readonly noChange: Raster; readonly change: Raster },
  signal?: AbortSignal,
): Promise<DiscDistances> {
  const options = signal ? { signal } : {};
  const source = await editor.encode(pictures.source, options);
  const noChange = await editor.encode(pictures.noChange, options);
  const change = await editor.encode(pictures.change, options);
  return { noChange: latentDistance(source, noChange), change: latentDistance(source, change) };
}

/** DiscEdit of a set of items. */
export interface DiscEditSummary {
  /** Share won; ties count as not won, as in the paper: a model that copies has 0. Chance without ties is 0.5. */
  readonly accuracy: Estimate;
  /** Share of ties: how much of a low accuracy is abstaining. */
  readonly ties: Estimate;
  /** Share won, ties counted half: a model that copies has 0.5. */
  readonly accuracyTiesHalf: Estimate;
}

/**
 * Summarises outcomes by seed and item. Items are the clusters: four noise seeds of one item are not four items.
 * @throws AuroraError `ARGUMENT` for an empty or ragged table
 */
export function discEditSummary(
  outcomes: readonly (readonly DiscOutcome[])[], // [seeds][items]
  options: BootstrapOptions = {},
): DiscEditSummary {
  const table = (value: Record<DiscOutcome, number>) =>
    bootstrapMean(
      outcomes.map((row) => row.map((outcome) => value[outcome])),
      options,
    );
  return {
    accuracy: table({ win: 1, tie: 0, loss: 0 }),
    ties: table({ win: 0, tie: 1, loss: 0 }),
    accuracyTiesHalf: table({ win: 1, tie: 0.5, loss: 0 }),
  };
}
