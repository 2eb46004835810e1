/**
 * @module
 * Ctrl-C: the first one asks whatever runs to stop, the second one ends the process at once.
 */
import type { EventEmitter } from 'node:events';
import { exitCodes, InterruptedError } from '../exit.js';

/** A terminal and `npm` may both deliver one key press; two signals this close are one. */
const samePressMs = 200;

type Stop = (reason: InterruptedError) => void;

/** The part of `process` that is needed. */
export type SignalSource = Pick<EventEmitter, 'on' | 'off'> & { exit(code: number): void };

export class Interrupts {
  readonly #source: SignalSource;
  readonly #now: () => number;
  readonly #stack: Stop[] = [];
  #lastAt = Number.NEGATIVE_INFINITY;
  #stopping = false;

  constructor(source: SignalSource, now: () => number = () => performance.now()) {
    this.#source = source;
    this.#now = now;
  }

  /** Listens until the returned function is called. */
  listen(): () => void {
    const onInt = (): void => this.#receive(new InterruptedError(exitCodes.interrupted));
    const onTerm = (): void => this.#receive(new InterruptedError(exitCodes.terminated));
    this.#source.on('SIGINT', onInt);
    this.#source.on('SIGTERM', onTerm);
    return () => {
      this.#source.off('SIGINT', onInt);
      this.#source.off('SIGTERM', onTerm);
    };
  }

  /**
   * Runs `work` with a signal that aborts on the first Ctrl-C. Nested calls: the innermost one is stopped, and a
   * later Ctrl-C counts as a first one again once it is done.
   */
  async guard<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const controller = new AbortController();
    const stop: Stop = (reason) => controller.abort(reason);
    this.#stack.push(stop);
    try {
      return await work(controller.signal);
    } finally {
      this.#stack.splice(this.#stack.indexOf(stop), 1);
      this.#stopping = false;
    }
  }

  /** Also for Ctrl-C that a terminal in raw mode delivers as a key. */
  interrupt(): void {
    this.#receive(new InterruptedError(exitCodes.interrupted));
  }

  #receive(reason: InterruptedError): void {
    const now = this.#now();
    if (now - this.#lastAt < samePressMs) return;
    this.#lastAt = now;
    const stop = this.#stack.at(-1);
    if (stop === undefined || this.#stopping) {
      this.#source.exit(reason.exitCode);
      return;
    }
    this.#stopping = true;
    stop(reason);
  }
}
