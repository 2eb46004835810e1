import { appendFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { AuroraError } from '../errors.js';
import type { Examined } from './examine.js';

/** What is kept of a clip, or of a candidate's pictures, so that it need not be made again. */
export interface JournalEntry {
  /**
   * SHA-256 of the clip's bytes and of the settings, or a candidate's id and the size of its pictures: something else
   * is another key.
   */
  readonly key: string;
  readonly clip: string;
  /** Undefined when the clip failed. */
  readonly examined?: Examined;
  readonly failure?: string;
  /** Size of the pictures that were written. */
  readonly pictures?: { readonly width: number; readonly height: number };
}

/** `clips.jsonl`: one line for each finished clip or candidate, added when it is finished. */
export class Journal {
  readonly #file: string;
  readonly #entries: Map<string, JournalEntry>;
  #isTorn: boolean;

  private constructor(file: string, entries: Map<string, JournalEntry>, isTorn: boolean) {
    this.#file = file;
    this.#entries = entries;
    this.#isTorn = isTorn;
  }

  /**
   * Opens or begins the journal of a folder. A last line that was torn by a crash is left out.
   * @throws AuroraError `DATA` when it cannot be read
   */
  static async open(folder: string): Promise<Journal> {
    const file = path.join(folder, 'clips.jsonl');
    let text = '';
    try {
      await mkdir(folder, { recursive: true });
      text = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        throw new AuroraError('DATA', `cannot use the folder ${folder}`, { cause: error });
    }
    const entries = new Map<string, JournalEntry>();
    for (const line of text.split('\n')) {
      if (line === '') continue;
      try {
        const entry = JSON.parse(line) as JournalEntry;
        entries.set(entry.key, entry);
      } catch {
        // Torn: the clip is examined again.
      }
    }
    return new Journal(file, entries, text !== '' && !text.endsWith('\n'));
  }

  find(key: string): JournalEntry | undefined {
    return this.#entries.get(key);
  }

  /** @throws AuroraError `DATA` when it cannot be written */
  async add(entry: JournalEntry): Promise<void> {
    this.#entries.set(entry.key, entry);
    try {
      await appendFile(this.#file, `${this.#isTorn ? '\n' : ''}${JSON.stringify(entry)}\n`);
      this.#isTorn = false;
    } catch (error) {
      throw new AuroraError('DATA', `cannot write ${this.#file}`, { cause: error });
    }
  }
}
