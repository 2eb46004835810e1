/**
 * @module
 * One edit at a time: an edit uses every core it gets, so two at once would both take twice as long.
 */
import { unavailable } from '../errors.js';

/** Runs work in order of arrival, one at a time, with a bound on what waits. */
export class EditQueue {
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = false;

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  get running(): number {
    return this.#running ? 1 : 0;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Throws `ApiError` 503 with `retry-after` when `run` would. Lets a route refuse before it reads a large body. */
  assertRoom(): void {
    if (this.#running && this.#waiting.length >= this.#maxWaiting) {
      throw unavailable(
        'overloaded',
        `${this.#waiting.length} image edits are waiting already; try again later.`,
      );
    }
  }

  /** Throws `ApiError` 503 when the queue is full, the signal's reason when it aborts before the turn has come. */
  async run<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    this.assertRoom();
    if (this.#running) await this.#turn(signal);
    this.#running = true;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The turn passes without a gap in which a newcomer could overtake.
      if (next === undefined) this.#running = false;
      else next();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(start), 1);
        reject(signal.reason);
      };
      this.#waiting.push(start);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
