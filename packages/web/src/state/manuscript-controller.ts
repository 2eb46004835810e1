/**
 * @module
 * A manuscript and the server that continues it. One continuation runs at a time.
 */

import type { GenerationEvent } from '../api/generate.js';
import { createStore, type Store } from '../lib/store.js';
import { driveRun } from './drive-run.js';
import {
  EMPTY_MANUSCRIPT,
  type Manuscript,
  type ManuscriptAction,
  manuscriptText,
  reduceManuscript,
} from './manuscript.js';
import { isActive } from './run.js';

export interface ManuscriptOptions {
  /** Streams what follows `text`, with the settings of this moment. */
  readonly stream: (text: string, signal: AbortSignal) => AsyncIterable<GenerationEvent>;
  readonly now?: () => number;
  readonly defer?: (run: () => void) => void;
}

export class ManuscriptController {
  readonly store: Store<Manuscript, ManuscriptAction>;
  readonly #options: ManuscriptOptions;
  readonly #now: () => number;
  #abort = new AbortController();

  constructor(options: ManuscriptOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.store = createStore(reduceManuscript, EMPTY_MANUSCRIPT, options.defer);
  }

  edit(text: string): void {
    this.store.dispatch({ type: 'edit', text });
  }

  /** Resolves when the continuation has ended, however it ends. */
  async continue(): Promise<void> {
    const text = manuscriptText(this.store.get());
    if (isActive(this.store.get().run) || text === '') return;
    this.store.dispatch({ type: 'continue', nowMs: this.#now() });
    const { runId } = this.store.get();
    const abort = new AbortController();
    this.#abort = abort;
    await driveRun(
      this.#options.stream(text, abort.signal),
      abort.signal,
      (event) => this.store.dispatch({ type: 'run', runId, event }, event.type === 'text' ? 'later' : 'now'),
      this.#now,
    );
  }

  stop(): void {
    this.#abort.abort();
    this.store.dispatch({ type: 'run', runId: this.store.get().runId, event: { type: 'stopped' } });
  }

  undo(): void {
    this.store.dispatch({ type: 'undo' });
  }

  clear(): void {
    this.stop();
    this.store.dispatch({ type: 'clear' });
  }
}
