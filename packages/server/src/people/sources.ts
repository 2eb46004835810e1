/**
 * @module
 * What people's work needs behind the routes: a rating study, a review of candidates, or both. The server knows
 * neither; whoever starts it plugs them in. Methods that keep something have it on the disk when they return, and
 * mistakes are thrown as errors with `problem` and `field` (see `errors.ts`).
 */

/** What is offered; both may be missing. */
export interface PeopleSources {
  readonly rating?: RatingSource;
  readonly review?: ReviewSource;
}

/** Raters score outputs of models whose names they never see. */
export interface RatingSource {
  readonly protocol: {
    readonly question: string;
    readonly levels: readonly { readonly score: number; readonly label: string; readonly meaning: string }[];
    readonly rules: readonly string[];
  };
  readonly examples: readonly {
    readonly instruction: string;
    readonly score: number;
    readonly reason: string;
  }[];
  /** Trials of one rater. */
  readonly trials: number;
  join(name: string, options: { readonly resume?: boolean | undefined }): { readonly token: string };
  state(token: string): RatingState;
  rate(token: string, rating: GivenRating): RatingState;
  undo(token: string): RatingState;
  /** PNG. */
  picture(trial: string, which: 'source' | 'output', signal?: AbortSignal): Promise<Uint8Array>;
  /** PNG. */
  examplePicture(index: number, which: 'source' | 'output'): Promise<Uint8Array>;
}

export interface GivenRating {
  readonly trial: string;
  readonly score: number;
  readonly comment?: string | undefined;
  readonly milliseconds?: number | undefined;
}

/** Where a rater is. */
export interface RatingState {
  readonly name: string;
  readonly done: number;
  readonly total: number;
  /** Missing at the end. */
  readonly trial: { readonly id: string; readonly instruction: string } | undefined;
  readonly undone?: { readonly score: number; readonly comment: string };
}

/** Annotators accept or reject candidates and write instructions. */
export interface ReviewSource {
  /** Why a candidate may be rejected. */
  readonly reasons: readonly { readonly id: string; readonly label: string }[];
  readonly candidates: readonly unknown[];
  join(name: string, options: { readonly resume?: boolean | undefined }): { readonly token: string };
  /** @param after a candidate that is put off */
  state(token: string, after?: string): ReviewState;
  decide(token: string, decision: GivenDecision): ReviewState;
  undo(token: string): ReviewState;
  /** PNG. */
  picture(candidate: string, which: 'input' | 'output', signal?: AbortSignal): Promise<Uint8Array>;
}

export type GivenDecision =
  | { readonly candidate: string; readonly verdict: 'accept'; readonly instruction: string }
  | { readonly candidate: string; readonly verdict: 'reject'; readonly reason: string };

/** Where an annotator is. */
export interface ReviewState {
  readonly name: string;
  readonly decided: number;
  readonly accepted: number;
  readonly left: number;
  /** Missing when nothing is left. */
  readonly candidate: ReviewCandidate | undefined;
  readonly undone?: GivenDecision;
}

export interface ReviewCandidate {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly clip: string;
  readonly firstSeconds: number;
  readonly lastSeconds: number;
  readonly caption?: string;
  readonly instruction?: string;
  readonly remarks: readonly string[];
}
