import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Candidate } from '../curation/candidate.js';
import { type Cells, type DatabaseKind, PeopleDatabase } from '../people/database.js';
import { PeopleError } from '../people/errors.js';
import { plainPicture } from '../people/picture.js';
import { freeText, personName } from '../people/text.js';
import { readCandidates } from './candidates.js';

/** Why an annotator turns a pair down: the pair breaks the rule of one minimal, nameable change. */
export const reviewReasons = [
  { id: 'camera', label: 'The camera moved' },
  { id: 'too-much', label: 'More than one thing changed' },
  { id: 'nothing', label: 'Nothing that counts changed' },
  { id: 'hard-to-say', label: 'Hard to put into words' },
  { id: 'quality', label: 'Blurred or damaged' },
  { id: 'other', label: 'Something else' },
] as const;
export type ReviewReason = (typeof reviewReasons)[number]['id'];

/** Longest instruction, characters. */
export const maxInstructionCharacters = 500;

/** Name of the database in the candidates' folder. */
export const reviewFileName = 'review.sqlite';

/** What an annotator says about a candidate. */
export type Decision =
  | { readonly candidate: string; readonly verdict: 'accept'; readonly instruction: string }
  | { readonly candidate: string; readonly verdict: 'reject'; readonly reason: ReviewReason };

/** A decision as it is kept. */
export type KeptDecision = Decision & {
  readonly annotator: string;
  /** ISO 8601. */
  readonly decided: string;
};

/** Where an annotator is. */
export interface AnnotatorState {
  readonly name: string;
  /** Candidates this annotator decided. */
  readonly decided: number;
  readonly accepted: number;
  /** Candidates still to decide for this annotator. */
  readonly left: number;
  /** Undefined when none is left. */
  readonly candidate: Candidate | undefined;
  /** What was undone just now. */
  readonly undone?: Decision;
}

interface DecisionRow extends Cells {
  readonly sequence: number;
  readonly annotator: number;
  readonly candidate: string;
  readonly verdict: string;
  readonly instruction: string | null;
  readonly reason: string | null;
  readonly decided: string;
}

/** Decisions are only ever added; the last one of an annotator about a candidate holds, and undo takes that away. */
const reviewDatabase: DatabaseKind = {
  description: 'the decisions of a review',
  applicationId: 0x54725265, // "TrRe"
  version: 1,
  schema: `
    CREATE TABLE annotator (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      key TEXT NOT NULL UNIQUE,
      token TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE decision (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      annotator INTEGER NOT NULL REFERENCES annotator,
      candidate TEXT NOT NULL,
      verdict TEXT NOT NULL CHECK (verdict IN ('accept', 'reject')),
      instruction TEXT,
      reason TEXT,
      decided TEXT NOT NULL
    ) STRICT;
    CREATE INDEX decision_of ON decision (annotator, candidate);
    CREATE VIEW latest AS
      SELECT decision.*, annotator.name AS name FROM decision JOIN annotator ON annotator.id = decision.annotator
      WHERE sequence IN (SELECT max(sequence) FROM decision GROUP BY annotator, candidate)`,
};

/** A review in progress: the candidates of a folder and everybody's decisions about them. */
export class Review implements Disposable {
  readonly folder: string;
  readonly reasons: readonly { readonly id: ReviewReason; readonly label: string }[] = reviewReasons;
  readonly candidates: readonly Candidate[];
  readonly #database: PeopleDatabase;
  readonly #perCandidate: number;
  readonly #byId: ReadonlyMap<string, Candidate>;

  private constructor(
    folder: string,
    candidates: readonly Candidate[],
    database: PeopleDatabase,
    perCandidate: number,
  ) {
    this.folder = folder;
    this.candidates = candidates;
    this.#database = database;
    this.#perCandidate = perCandidate;
    this.#byId = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  }

  /**
   * Opens the review of a folder that curation wrote; decisions are in `review.sqlite` there. When curation ran again,
   * decisions about candidates that are still there hold.
   *
   * @param options.perCandidate annotators that see each candidate, default 1: others are not asked about it any more
   * @param options.shared only read when another process has the review open for writing
   * @throws PeopleError `bad-items`, `bad-image`, `in-use`, `not-a-database`
   */
  static async open(
    folder: string,
    options: { readonly perCandidate?: number; readonly shared?: boolean } = {},
  ): Promise<Review> {
    const { perCandidate = 1, shared = false } = options;
    if (!Number.isInteger(perCandidate) || perCandidate < 1)
      throw new PeopleError('bad-items', `perCandidate must be a whole number from 1, not ${perCandidate}`, {
        field: 'perCandidate',
      });
    const { candidates } = await readCandidates(folder);
    const database = PeopleDatabase.open(join(folder, reviewFileName), reviewDatabase, {
      create: true,
      shared,
    });
    return new Review(folder, candidates, database, perCandidate);
  }

  /**
   * A new annotator, or with `resume` one who was here before. The token is what later calls are made with.
   * @throws PeopleError `bad-name`, `name-taken`, `unknown-person`
   */
  join(given: string, options: { readonly resume?: boolean | undefined } = {}): { readonly token: string } {
    const { name, key } = personName(given);
    const known = this.#database.get<{ token: string }>('SELECT token FROM annotator WHERE key = ?', [key]);
    if (options.resume === true) {
      if (known !== undefined) return { token: known.token };
      throw new PeopleError('unknown-person', `no annotator is called ${name} yet`, { field: 'name' });
    }
    if (known !== undefined)
      throw new PeopleError(
        'name-taken',
        `an annotator called ${name} takes part already: continue as that one, or take another name`,
        { field: 'name' },
      );
    const token = randomBytes(12).toString('base64url');
    this.#database.run('INSERT INTO annotator (name, key, token) VALUES (?, ?, ?)', [name, key, token]);
    return { token };
  }

  /**
   * @param after id of a candidate that is put off: the one after it comes next, the ones before at the end
   * @throws PeopleError `unknown-person`
   */
  state(token: string, after?: string): AnnotatorState {
    const { id, name } = this.#annotator(token);
    const counts = new Map<string, number>();
    const mine = new Map<string, string>();
    for (const row of this.#latest()) {
      if (!this.#byId.has(row.candidate)) continue;
      counts.set(row.candidate, (counts.get(row.candidate) ?? 0) + 1);
      if (row.annotator === id) mine.set(row.candidate, row.verdict);
    }
    const isOpen = ({ id }: Candidate): boolean =>
      !mine.has(id) && (counts.get(id) ?? 0) < this.#perCandidate;
    const from = after === undefined ? -1 : this.candidates.findIndex((one) => one.id === after);
    const open = this.candidates.filter(isOpen);
    const next = this.candidates.slice(from + 1).find(isOpen) ?? open[0];
    return {
      name,
      decided: mine.size,
      accepted: [...mine.values()].filter((verdict) => verdict === 'accept').length,
      left: open.length,
      candidate: next,
    };
  }

  /**
   * Keeps a decision; on the disk when this returns. A later one of the same annotator takes its place.
   * @throws PeopleError `unknown-person`, `unknown-item`, `bad-text`
   */
  decide(token: string, decision: Decision): AnnotatorState {
    const { id } = this.#annotator(token);
    if (!this.#byId.has(decision.candidate))
      throw new PeopleError('unknown-item', `there is no candidate ${decision.candidate}`, {
        field: 'candidate',
      });
    const instruction =
      decision.verdict === 'accept'
        ? freeText(decision.instruction, 'instruction', maxInstructionCharacters)
        : null;
    if (instruction === '')
      throw new PeopleError('bad-text', 'instruction must say what changes: an accepted pair needs one', {
        field: 'instruction',
      });
    const reason = decision.verdict === 'reject' ? decision.reason : null;
    if (reason !== null && !reviewReasons.some((known) => known.id === reason))
      throw new PeopleError('bad-text', `reason must be one of ${reasonIds.join(', ')}`, { field: 'reason' });
    this.#database.run(
      'INSERT INTO decision (annotator, candidate, verdict, instruction, reason, decided) VALUES (?, ?, ?, ?, ?, ?)',
      [id, decision.candidate, decision.verdict, instruction, reason, new Date().toISOString()],
    );
    // Onwards from here: what was put off does not come back before the end.
    return this.state(token, decision.candidate);
  }

  /**
   * Takes back the annotator's last decision and shows its candidate again.
   * @throws PeopleError `unknown-person`, `nothing-to-undo`
   */
  undo(token: string): AnnotatorState {
    const { id } = this.#annotator(token);
    const last = this.#database.transaction(() => {
      const row = this.#database
        .all<DecisionRow>('SELECT * FROM decision WHERE annotator = ? ORDER BY sequence DESC', [id])
        .find(({ candidate }) => this.#byId.has(candidate));
      if (row === undefined) throw new PeopleError('nothing-to-undo', 'nothing has been decided yet');
      this.#database.run('DELETE FROM decision WHERE sequence = ?', [row.sequence]);
      return row;
    });
    return { ...this.state(token), candidate: this.#byId.get(last.candidate), undone: toDecision(last) };
  }

  /** The decision that holds, of every annotator about every candidate that is still there. */
  decisions(): KeptDecision[] {
    return this.#latest()
      .filter(({ candidate }) => this.#byId.has(candidate))
      .map((row) => ({ ...toDecision(row), annotator: row.name, decided: row.decided }));
  }

  /**
   * A picture of a candidate as PNG.
   * @throws PeopleError `unknown-item`, `bad-image`; the signal's reason
   */
  async picture(candidate: string, which: 'input' | 'output', signal?: AbortSignal): Promise<Uint8Array> {
    const known = this.#byId.get(candidate);
    if (known === undefined) throw new PeopleError('unknown-item', 'there is no such picture');
    return plainPicture(join(this.folder, known[which]), undefined, signal);
  }

  [Symbol.dispose](): void {
    this.#database[Symbol.dispose]();
  }

  #annotator(token: string): { readonly id: number; readonly name: string } {
    const row = this.#database.get<{ id: number; name: string }>(
      'SELECT id, name FROM annotator WHERE token = ?',
      [token],
    );
    if (row !== undefined) return row;
    throw new PeopleError('unknown-person', 'this review does not know you: give your name again', {
      field: 'annotator',
    });
  }

  #latest(): (DecisionRow & { readonly name: string })[] {
    return this.#database.all('SELECT * FROM latest ORDER BY sequence');
  }
}

const reasonIds: readonly string[] = reviewReasons.map(({ id }) => id);

function toDecision(row: DecisionRow): Decision {
  const { candidate } = row;
  return row.verdict === 'accept'
    ? { candidate, verdict: 'accept', instruction: row.instruction as string }
    : { candidate, verdict: 'reject', reason: row.reason as ReviewReason };
}
