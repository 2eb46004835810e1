import { AuroraError } from '../errors.js';

/** What exactly is wrong, for programs that answer people (HTTP routes, pages). */
export type PeopleProblem =
  /** A name that is empty, too long or has control characters. */
  | 'bad-name'
  /** Somebody of this name takes part already. */
  | 'name-taken'
  /** No rater or annotator has this token or name. */
  | 'unknown-person'
  /** A score that is not 0, 50 or 100. */
  | 'bad-score'
  /** A comment, instruction or reason that is missing, too long or not allowed. */
  | 'bad-text'
  /** No trial, candidate or picture has this id. */
  | 'unknown-item'
  /** Not the trial this rater is at: it was rated before, perhaps in another window. */
  | 'not-current'
  /** There is nothing to undo. */
  | 'nothing-to-undo'
  /** The database was made for other results. */
  | 'other-study'
  /** The database is open in another process. */
  | 'in-use'
  /** Not a database of ours, or a damaged one. */
  | 'not-a-database'
  /** A picture is missing, damaged, or not the one the study began with. */
  | 'bad-image'
  /** Items or candidates that contradict each other or lack something. */
  | 'bad-items';

/** An `AuroraError` with a `problem` that tells routes which answer to give. */
export class PeopleError extends AuroraError {
  readonly problem: PeopleProblem;

  /** `ARGUMENT` for what a person sent, `DATA` for files. */
  constructor(
    problem: PeopleProblem,
    message: string,
    options: { readonly field?: string; readonly cause?: unknown } = {},
  ) {
    super(dataProblems.has(problem) ? 'DATA' : 'ARGUMENT', message, options);
    this.problem = problem;
  }

  /** True for a `PeopleError` of any copy of this package. */
  static override isInstance(error: unknown): error is PeopleError {
    return AuroraError.isInstance(error) && 'problem' in error;
  }
}

const dataProblems: ReadonlySet<PeopleProblem> = new Set([
  'other-study',
  'in-use',
  'not-a-database',
  'bad-image',
  'bad-items',
]);
