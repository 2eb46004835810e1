/**
 * SQLite files that hold what people said. Every change is one transaction that is on the disk when the call returns.
 *
 * @module
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import sqlite from 'node-sqlite3-wasm';
import { PeopleError } from './errors.js';
import { takeWriterLock, writerOf } from './writer-lock.js';

/** What a database is for. */
export interface DatabaseKind {
  /** In messages: 'a rating study'. */
  readonly description: string;
  /** SQLite's `application_id`, so that one kind is never taken for another. */
  readonly applicationId: number;
  /** `user_version` of the schema. */
  readonly version: number;
  /** Makes the tables. */
  readonly schema: string;
}

/** A cell of a row. */
export type Cell = string | number | null;
export type Cells = Readonly<Record<string, Cell>>;

/** An open database: one writer, or readers beside a writer in another process. */
export class PeopleDatabase implements Disposable {
  readonly path: string;
  readonly #database: InstanceType<typeof sqlite.Database>;
  readonly #release: () => void;

  private constructor(path: string, database: InstanceType<typeof sqlite.Database>, release: () => void) {
    this.path = path;
    this.#database = database;
    this.#release = release;
  }

  /**
   * Opens a database, or makes it (with its folder) when `create` is set. With `shared` it may be open for writing
   * elsewhere: then this one only reads.
   *
   * @throws PeopleError `in-use`, `not-a-database` (also for a missing file without `create`)
   */
  static open(
    file: string,
    kind: DatabaseKind,
    options: { readonly create?: boolean; readonly shared?: boolean } = {},
  ): PeopleDatabase {
    const path = resolve(file);
    const exists = existsSync(path);
    if (exists && !statSync(path).isFile()) throw notADatabase(path, kind, 'it is not a file');
    if (!exists && options.create !== true) throw notADatabase(path, kind, 'there is no such file');
    if (!exists) mkdirSync(dirname(path), { recursive: true });
    const readOnly = options.shared === true && writerOf(path) !== undefined;
    const release = readOnly ? () => undefined : takeWriterLock(path);
    let database: InstanceType<typeof sqlite.Database> | undefined;
    try {
      database = new sqlite.Database(path, readOnly ? { readOnly: true } : {});
      // A writer elsewhere holds the lock for some milliseconds at a time.
      database.exec('PRAGMA busy_timeout = 5000');
      prepare(database, path, kind, readOnly);
      return new PeopleDatabase(path, database, release);
    } catch (error) {
      database?.close();
      release();
      if (error instanceof PeopleError) throw error;
      throw notADatabase(path, kind, error instanceof Error ? error.message : String(error), error);
    }
  }

  /** All rows of a query. */
  all<Row extends Cells>(sql: string, values: Cell[] = []): Row[] {
    return this.#database.all(sql, values) as unknown as Row[];
  }

  /** The first row of a query. */
  get<Row extends Cells>(sql: string, values: Cell[] = []): Row | undefined {
    return (this.#database.get(sql, values) ?? undefined) as unknown as Row | undefined;
  }

  /** Runs a statement; the number of rows it changed. */
  run(sql: string, values: Cell[] = []): number {
    return this.#database.run(sql, values).changes;
  }

  /** Runs one statement many times. */
  runMany(sql: string, rows: Iterable<Cell[]>): void {
    const statement = this.#database.prepare(sql);
    try {
      for (const row of rows) statement.run(row);
    } finally {
      statement.finalize();
    }
  }

  /** All of `work` or nothing. Not nested. */
  transaction<Result>(work: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  [Symbol.dispose](): void {
    if (!this.#database.isOpen) return;
    this.#database.close();
    this.#release();
  }
}

function prepare(
  database: InstanceType<typeof sqlite.Database>,
  path: string,
  kind: DatabaseKind,
  readOnly: boolean,
): void {
  const pragma = (name: string): number => Number(Object.values(database.get(`PRAGMA ${name}`) ?? {})[0]);
  const tables = Number(database.get('SELECT count(*) AS n FROM sqlite_schema')?.n);
  if (tables === 0 && pragma('application_id') === 0 && !readOnly) {
    database.exec(
      `BEGIN IMMEDIATE; ${kind.schema}; PRAGMA application_id = ${kind.applicationId}; PRAGMA user_version = ${kind.version}; COMMIT`,
    );
    return;
  }
  if (pragma('application_id') !== kind.applicationId)
    throw notADatabase(path, kind, 'it belongs to something else');
  const version = pragma('user_version');
  if (version !== kind.version)
    throw notADatabase(path, kind, `its version is ${version}, this program knows ${kind.version}`);
}

function notADatabase(path: string, kind: DatabaseKind, why: string, cause?: unknown): PeopleError {
  return new PeopleError('not-a-database', `${path} is not ${kind.description}: ${why}; name another file`, {
    field: 'database',
    cause,
  });
}
