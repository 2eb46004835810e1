import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomically } from '@triptych/media';
import type { EditorSettings } from '../editor.js';
import { AuroraError } from '../errors.js';
import type { EditScores, ReferenceScores } from '../metrics/edit-judge.js';
import type { DiscDistances } from './disc-edit.js';
import type { BenchSet } from './items.js';

/** What was measured of one output: all with truth, distances with only a target, nothing without. */
export type Scores = EditScores | ReferenceScores | Record<string, never>;

/** One item done by one model or baseline with one noise seed. */
export interface BenchRecord {
  readonly item: string;
  readonly task: string;
  readonly arm: 'model' | 'copy' | 'random';
  /** Index of the noise seed. */
  readonly index: number;
  /** The noise seed itself. */
  readonly seed: number;
  /** Output picture, relative to the result folder; none for baselines. */
  readonly output?: string;
  readonly scores?: Scores;
  readonly disc?: DiscDistances;
}

/** What a result folder was made with. A folder goes on only with the same. */
export interface RunSettings extends EditorSettings {
  readonly format: 1;
  readonly model: string;
  readonly hash: string;
  readonly layout: BenchSet['layout'];
  /** SHA-256 over keys, instructions and tasks of the items. */
  readonly items: string;
  readonly numItems: number;
  readonly seeds: number;
  readonly seed: number;
  readonly side: number;
  readonly discEdit: boolean;
  /** Tells the CLIP weights apart that CLIP-I is of; absent without. */
  readonly clipVision?: string;
}

/** The digest that tells one selection of items from another. */
export function digestOf({ items }: BenchSet): string {
  const hash = createHash('sha256');
  for (const { key, task, edit, disc } of items)
    hash.update(JSON.stringify([key, task, edit?.instruction, disc?.noChange, disc?.change]));
  return hash.digest('hex');
}

/** The name a record is found by. */
export function recordKey({ item, arm, index }: Pick<BenchRecord, 'item' | 'arm' | 'index'>): string {
  return `${arm} ${index} ${item}`;
}

/** The result folder: settings, records line by line, pictures. */
export class RunFolder {
  readonly folder: string;
  readonly records = new Map<string, BenchRecord>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Opens a new folder or one that a run with the same settings left unfinished.
   * @throws AuroraError `ARGUMENT` naming the first setting that differs, `DATA` for a damaged folder
   */
  static async open(folder: string, settings: RunSettings): Promise<RunFolder> {
    const run = new RunFolder(path.resolve(folder));
    await mkdir(run.folder, { recursive: true });
    const file = path.join(run.folder, 'settings.json');
    const earlier = await readIfThere(file);
    if (earlier === undefined) {
      await writeFileAtomically(file, `${JSON.stringify(settings, null, 2)}\n`);
      return run;
    }
    let old: Partial<Record<string, unknown>>;
    try {
      old = JSON.parse(earlier) as typeof old;
    } catch (error) {
      throw new AuroraError('DATA', `${file} is not JSON: delete the folder or choose another`, {
        cause: error,
      });
    }
    const now: Partial<Record<string, unknown>> = { ...settings };
    for (const field of new Set([...Object.keys(now), ...Object.keys(old)])) {
      const value = now[field];
      if (old[field] !== value)
        throw new AuroraError(
          'ARGUMENT',
          `${run.folder} holds results with ${field} ${JSON.stringify(old[field])}, this run has ` +
            `${JSON.stringify(value)}: choose another folder or delete it`,
        );
    }
    await run.#read();
    return run;
  }

  get #file(): string {
    return path.join(this.folder, 'records.jsonl');
  }

  async #read(): Promise<void> {
    const text = (await readIfThere(this.#file)) ?? '';
    const lines = text.split('\n');
    // A killed run may leave half a line: only what ends with a line feed counts, and the rest is cut off.
    const torn = lines.pop() ?? '';
    for (const [i, line] of lines.entries()) {
      try {
        const record = JSON.parse(line) as BenchRecord;
        this.records.set(recordKey(record), record);
      } catch (error) {
        throw new AuroraError('DATA', `${this.#file}, line ${i + 1} is damaged: delete that line`, {
          cause: error,
        });
      }
    }
    if (torn !== '') await writeFileAtomically(this.#file, text.slice(0, text.length - torn.length));
  }

  /** Adds a record; it is on disk when this resolves. */
  async add(record: BenchRecord): Promise<void> {
    await appendFile(this.#file, `${JSON.stringify(record)}\n`);
    this.records.set(recordKey(record), record);
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AuroraError('DATA', `cannot read ${file}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
