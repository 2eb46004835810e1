import { randomBytes } from 'node:crypto';
import { type Cells, PeopleDatabase } from '../people/database.js';
import { PeopleError } from '../people/errors.js';
import { plainPicture } from '../people/picture.js';
import { freeText, personName } from '../people/text.js';
import { ExamplePictures, type RatingExample, ratingExamples } from './examples.js';
import { raterOrder } from './order.js';
import { isScore, maxCommentCharacters, type Protocol, protocol } from './protocol.js';
import { beginStudy, drawItems, requireSameItems, settingOf } from './study-begin.js';
import { type CheckedItem, checkItems, itemKey, type StudyItem } from './study-item.js';
import { studyDatabase } from './study-schema.js';

/** How to open a study. */
export interface StudyOptions {
  /** The SQLite file; made when it is missing. */
  readonly database: string;
  readonly items: readonly StudyItem[];
  /** At most this many items of each task, drawn by `seed`; default all. */
  readonly perTask?: number;
  /** Draws items and orders; kept from the first opening on. Default 1. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** Which picture of a trial. */
export type StudyPicture = 'source' | 'output';

/** What a rater sees next. Nothing in it names the model. */
export interface RaterTrial {
  /** Random; of this rater and trial alone. */
  readonly id: string;
  readonly instruction: string;
}

/** Where a rater is. */
export interface RaterState {
  readonly name: string;
  readonly done: number;
  readonly total: number;
  /** Undefined when all is rated. */
  readonly trial: RaterTrial | undefined;
  /** What was undone just now: the rating to start from again. */
  readonly undone?: { readonly score: number; readonly comment: string };
}

/** A rating as a person gives it. */
export interface GivenRating {
  /** The trial's id. */
  readonly trial: string;
  /** 0, 50 or 100. */
  readonly score: number;
  readonly comment?: string | undefined;
  /** Time the trial was on the screen. */
  readonly milliseconds?: number | undefined;
}

interface RaterRow extends Cells {
  readonly id: number;
  readonly name: string;
}

interface OutputRow extends Cells {
  readonly id: number;
  readonly task: string;
  readonly item: string;
  readonly model: string;
  readonly digest: string;
}

/** A study in progress: its items with their pictures, and everybody's ratings in a database. */
export class RatingStudy implements Disposable {
  /** What raters are asked, and rated edits to learn from. */
  readonly protocol: Protocol = protocol;
  readonly examples: readonly Pick<RatingExample, 'instruction' | 'score' | 'reason'>[] = ratingExamples;
  readonly #examplePictures = new ExamplePictures();
  readonly #database: PeopleDatabase;
  /** By `output.id`. */
  readonly #outputs: ReadonlyMap<number, CheckedItem>;
  readonly #seed: number;

  private constructor(database: PeopleDatabase, outputs: ReadonlyMap<number, CheckedItem>, seed: number) {
    this.#database = database;
    this.#outputs = outputs;
    this.#seed = seed;
  }

  /**
   * Begins a study, or goes on with one: the items must then be the same, wherever their files are now.
   *
   * @throws PeopleError `bad-items`, `bad-image`, `other-study`, `in-use`, `not-a-database`; the signal's reason
   */
  static async open(options: StudyOptions): Promise<RatingStudy> {
    const { seed = 1, perTask = Number.POSITIVE_INFINITY } = options;
    if (!Number.isInteger(seed))
      throw new PeopleError('bad-items', `seed must be a whole number, not ${seed}`, { field: 'seed' });
    if (!(perTask >= 1))
      throw new PeopleError('bad-items', `perTask must be at least 1, not ${perTask}`, { field: 'perTask' });
    const items = await checkItems(drawItems(options.items, perTask, seed), options);
    const database = PeopleDatabase.open(options.database, studyDatabase, { create: true });
    try {
      const begun = settingOf(database, 'digest');
      if (begun === undefined) beginStudy(database, items, seed);
      else requireSameItems(database, begun, items);
      const byDigest = new Map(items.map((item) => [item.digest, item]));
      const outputs = new Map(
        database
          .all<OutputRow>('SELECT id, task, item, model, digest FROM output')
          .map((row) => [row.id, byDigest.get(row.digest)!]),
      );
      return new RatingStudy(database, outputs, Number(settingOf(database, 'seed')));
    } catch (error) {
      database[Symbol.dispose]();
      throw error;
    }
  }

  /** Number of outputs each rater sees. */
  get trials(): number {
    return this.#outputs.size;
  }

  /**
   * A new rater, or with `resume` one who was here before. The token is what later calls are made with.
   * @throws PeopleError `bad-name`, `name-taken`, `unknown-person`
   */
  join(given: string, options: { readonly resume?: boolean | undefined } = {}): { readonly token: string } {
    const { name, key } = personName(given);
    const known = this.#database.get<{ token: string }>('SELECT token FROM rater WHERE key = ?', [key]);
    if (options.resume === true) {
      if (known !== undefined) return { token: known.token };
      throw new PeopleError('unknown-person', `no rater is called ${name} yet`, { field: 'name' });
    }
    if (known !== undefined)
      throw new PeopleError(
        'name-taken',
        `a rater called ${name} takes part already: continue as that rater, or take another name`,
        { field: 'name' },
      );
    const token = opaque();
    this.#database.transaction(() => {
      const { n } = this.#database.get<{ n: number }>('SELECT count(*) AS n FROM rater')!;
      this.#database.run('INSERT INTO rater (name, key, token, number, joined) VALUES (?, ?, ?, ?, ?)', [
        name,
        key,
        token,
        n,
        new Date().toISOString(),
      ]);
      const { id } = this.#rater(token);
      this.#database.runMany(
        'INSERT INTO trial (id, rater, position, output) VALUES (?, ?, ?, ?)',
        this.#order(n).map((output, position) => [opaque(), id, position, output]),
      );
    });
    return { token };
  }

  /** @throws PeopleError `unknown-person` */
  state(token: string): RaterState {
    const { id, name } = this.#rater(token);
    const { done } = this.#database.get<{ done: number }>(
      'SELECT count(*) AS done FROM rating JOIN trial ON trial.id = rating.trial WHERE rater = ?',
      [id],
    )!;
    const next = this.#database.get<{ id: string; output: number }>(
      `SELECT trial.id AS id, output FROM trial LEFT JOIN rating ON rating.trial = trial.id
       WHERE rater = ? AND rating.trial IS NULL ORDER BY position LIMIT 1`,
      [id],
    );
    const trial = next && { id: next.id, instruction: this.#outputs.get(next.output)!.instruction };
    return { name, done, total: this.trials, trial };
  }

  /**
   * Keeps a rating of the trial the rater is at; on the disk when this returns.
   * @throws PeopleError `unknown-person`, `bad-score`, `bad-text`, `unknown-item`, `not-current`
   */
  rate(token: string, given: GivenRating): RaterState {
    const rater = this.#rater(token);
    if (!isScore(given.score))
      throw new PeopleError('bad-score', `score must be 0, 50 or 100, not ${given.score}`, {
        field: 'score',
      });
    const comment = freeText(given.comment ?? '', 'comment', maxCommentCharacters);
    const { milliseconds } = given;
    const time =
      milliseconds !== undefined && Number.isFinite(milliseconds) && milliseconds >= 0
        ? Math.round(milliseconds)
        : null;
    this.#database.transaction(() => {
      const known = this.#database.get('SELECT position FROM trial WHERE id = ? AND rater = ?', [
        given.trial,
        rater.id,
      ]);
      if (known === undefined)
        throw new PeopleError('unknown-item', 'trial is none of this rater', { field: 'trial' });
      if (this.state(token).trial?.id !== given.trial)
        throw new PeopleError(
          'not-current',
          'this trial is not the one to rate now: it may have been rated in another window; reload the page',
          { field: 'trial' },
        );
      this.#database.run(
        'INSERT INTO rating (trial, score, comment, milliseconds, rated) VALUES (?, ?, ?, ?, ?)',
        [given.trial, given.score, comment, time, new Date().toISOString()],
      );
    });
    return this.state(token);
  }

  /**
   * Takes back the rater's last rating, so that its trial comes again.
   * @throws PeopleError `unknown-person`, `nothing-to-undo`
   */
  undo(token: string): RaterState {
    const { id } = this.#rater(token);
    const undone = this.#database.transaction(() => {
      const last = this.#database.get<{ trial: string; score: number; comment: string }>(
        `SELECT trial, score, comment FROM rating JOIN trial ON trial.id = rating.trial
         WHERE rater = ? ORDER BY position DESC LIMIT 1`,
        [id],
      );
      if (last === undefined) throw new PeopleError('nothing-to-undo', 'nothing has been rated yet');
      this.#database.run('DELETE FROM rating WHERE trial = ?', [last.trial]);
      return { score: last.score, comment: last.comment };
    });
    return { ...this.state(token), undone };
  }

  /**
   * A picture of a trial as PNG without anything that could name the model.
   * @param trial the trial's id, of any rater
   * @throws PeopleError `unknown-item`, `bad-image`; the signal's reason
   */
  async picture(trial: string, which: StudyPicture, signal?: AbortSignal): Promise<Uint8Array> {
    const row = this.#database.get<{ output: number }>('SELECT output FROM trial WHERE id = ?', [trial]);
    const item = row && this.#outputs.get(row.output);
    if (item === undefined) throw new PeopleError('unknown-item', 'there is no such picture');
    return which === 'source'
      ? plainPicture(item.source, item.sourceDigest, signal)
      : plainPicture(item.output, item.outputDigest, signal);
  }

  /**
   * A picture of an example as PNG.
   * @throws PeopleError `unknown-item`
   */
  async examplePicture(index: number, which: StudyPicture): Promise<Uint8Array> {
    const example = ratingExamples[index];
    if (example === undefined) throw new PeopleError('unknown-item', 'there is no such example');
    return this.#examplePictures.picture(example, which);
  }

  [Symbol.dispose](): void {
    this.#database[Symbol.dispose]();
  }

  #rater(token: string): RaterRow {
    const row = this.#database.get<RaterRow>('SELECT id, name FROM rater WHERE token = ?', [token]);
    if (row !== undefined) return row;
    throw new PeopleError('unknown-person', 'this study does not know you: give your name again', {
      field: 'rater',
    });
  }

  /** Output ids in the order of rater `number`. */
  #order(number: number): number[] {
    const rows = this.#database.all<OutputRow>('SELECT id, task, item, model FROM output ORDER BY id');
    const models = [...new Set(rows.map(({ model }) => model))].sort();
    const items = new Map<string, OutputRow[]>();
    for (const row of rows) items.set(itemKey(row), [...(items.get(itemKey(row)) ?? []), row]);
    const groups = [...items.values()];
    const idOf = ({ item, model }: { item: number; model: number }): number =>
      groups[item]!.find((row) => row.model === models[model])!.id;
    return raterOrder(
      groups.map(([first]) => first!),
      models.length,
      number,
      this.#seed,
    ).map(idOf);
  }
}

/** A random name that tells nothing, 96 bits. */
function opaque(): string {
  return randomBytes(12).toString('base64url');
}
