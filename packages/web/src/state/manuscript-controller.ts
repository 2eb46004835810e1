/**
 * @module
 * A manuscript and the server that continues it. One continuation runs at a time.
 */

import type { GenerationEvent } from '../api/generate.js';
import { ApiError } from '../api/http.js';
import { laterHalf, promptWindow, USUAL_CHARACTERS_PER_TOKEN } from '../lib/prompt-window.js';
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
  /** Goes on from here. */
  readonly initial?: Manuscript;
  readonly now?: () => number;
  readonly defer?: (run: () => void) => void;
}

export class ManuscriptController {
  readonly store: Store<Manuscript, ManuscriptAction>;
  readonly #options: ManuscriptOptions;
  readonly #now: () => number;
  #abort = new AbortController();
  #charactersPerToken = USUAL_CHARACTERS_PER_TOKEN;

  constructor(options: ManuscriptOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.store = createStore(reduceManuscript, options.initial ?? EMPTY_MANUSCRIPT, options.defer);
  }

  edit(text: string): void {
    this.store.dispatch({ type: 'edit', text });
  }

  /**
   * Has the model continue the text, or as much of its end as the context holds. Resolves when that has ended,
   * however it ends.
   */
  async continue(contextTokens: number): Promise<void> {
    const text = manuscriptText(this.store.get());
    if (isActive(this.store.get().run) || text === '') return;
    this.store.dispatch({ type: 'continue', nowMs: this.#now() });
    const { runId } = this.store.get();
    const abort = new AbortController();
    this.#abort = abort;
    const window = promptWindow(text, contextTokens, this.#charactersPerToken);
    await driveRun(
      this.#streamWindow(text, window, runId, abort.signal),
      abort.signal,
      (event) => this.store.dispatch({ type: 'run', runId, event }, event.type === 'text' ? 'later' : 'now'),
      this.#now,
    );
  }

  /** The length in tokens is only guessed here: what the server finds too long is halved and sent again. */
  async *#streamWindow(
    text: string,
    window: string,
    runId: number,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent> {
    this.store.dispatch({ type: 'sees', runId, from: text.length - window.length });
    try {
      for await (const event of this.#options.stream(window, signal)) {
        if (event.type === 'finish' && event.usage !== undefined && event.usage.promptTokens > 0) {
          this.#charactersPerToken = window.length / event.usage.promptTokens;
        }
        yield event;
      }
    } catch (error) {
      const tooLong =
        error instanceof ApiError && error.code === 'context_length_exceeded' && window.length > 1;
      if (!tooLong) throw error;
      yield* this.#streamWindow(text, laterHalf(window), runId, signal);
    }
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
