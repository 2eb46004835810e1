/**
 * @module
 * Keeps the memory feed alive: reads the stream, waits and reconnects when it breaks, rests while nobody looks.
 */

import type { MemorySnapshot } from '@triptych/llm';
import { createStore, type Store } from '../lib/store.js';
import { describeError } from './drive-run.js';
import { EMPTY_FEED, type MemoryFeed, type MemoryFeedAction, reduceMemoryFeed } from './memory-feed.js';

export interface MemoryWatchOptions {
  readonly stream: (signal: AbortSignal) => AsyncIterable<MemorySnapshot>;
  readonly now?: () => number;
  /** First pause after a break; it doubles up to the longest. */
  readonly retryMs?: number;
  readonly longestRetryMs?: number;
  readonly defer?: (run: () => void) => void;
}

export class MemoryWatch {
  readonly store: Store<MemoryFeed, MemoryFeedAction>;
  readonly #options: MemoryWatchOptions;
  #abort: AbortController | undefined;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.store = createStore(reduceMemoryFeed, EMPTY_FEED, options.defer);
  }

  /** Watches until `stop`. Starting again while it runs begins a new connection. */
  start(): void {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    void this.#watch(abort.signal);
  }

  stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { stream, now = () => performance.now(), retryMs = 1000, longestRetryMs = 15_000 } = this.#options;
    let pauseMs = retryMs;
    while (!signal.aborted) {
      this.store.dispatch({ type: 'connecting' });
      try {
        for await (const snapshot of stream(signal)) {
          if (signal.aborted) return;
          pauseMs = retryMs;
          this.store.dispatch({ type: 'snapshot', snapshot, nowMs: now() }, 'later');
        }
      } catch (error) {
        if (signal.aborted) return;
        this.store.dispatch({ type: 'lost', error: describeError(error) });
        // A wrong key does not become right by asking again.
        if (describeError(error).status === 401) return;
      }
      await pause(pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, longestRetryMs);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
