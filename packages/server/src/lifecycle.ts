/**
 * @module
 * What a shutdown has to know: which requests run, and how to tell them to stop.
 */
import { setMaxListeners } from 'node:events';
import { shuttingDown } from './errors.js';

/** Counts requests in flight and turns a shutdown into abort signals. One per server. */
export class Lifecycle {
  readonly #drain = new AbortController();
  readonly #stop = new AbortController();
  readonly #idleWaiters = new Set<() => void>();
  #active = 0;

  constructor() {
    // Every running request listens; the default warning at ten is meant for leaks.
    setMaxListeners(0, this.#drain.signal, this.#stop.signal);
  }

  /** True once `drain()` was called: new requests are refused with 503. */
  get draining(): boolean {
    return this.#drain.signal.aborted;
  }

  /** Aborts when draining starts: endless streams end here. */
  get drainSignal(): AbortSignal {
    return this.#drain.signal;
  }

  /** Aborts when the deadline passed: running generations end here. */
  get stopSignal(): AbortSignal {
    return this.#stop.signal;
  }

  get active(): number {
    return this.#active;
  }

  /** Marks a request as running; call the result exactly once when its last byte is out (extra calls do nothing). */
  enter(): () => void {
    this.#active += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#active -= 1;
      if (this.#active > 0) return;
      for (const wake of this.#idleWaiters) wake();
      this.#idleWaiters.clear();
    };
  }

  drain(): void {
    this.#drain.abort(shuttingDown());
  }

  stop(): void {
    this.drain();
    this.#stop.abort(shuttingDown());
  }

  /** Resolves to true when nothing runs any more, to false when `timeoutMs` passed first. */
  idle(timeoutMs: number): Promise<boolean> {
    if (this.#active === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.#idleWaiters.delete(wake);
        resolve(false);
      }, timeoutMs);
      this.#idleWaiters.add(wake);
    });
  }
}
