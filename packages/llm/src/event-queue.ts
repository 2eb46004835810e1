/**
 * @module
 * Hands values from the engine's loop to one consumer: `push` never waits, iteration ends on `end` or throws on `fail`.
 */

/** A queue with one reader. Values pushed before `fail` are dropped: an aborted call wants its error now. */
export class EventQueue<T> {
  #values: T[] = [];
  #ended = false;
  #error: { readonly cause: unknown } | undefined;
  #wake: (() => void) | undefined;

  push(value: T): void {
    if (this.#ended) return;
    this.#values.push(value);
    this.#notify();
  }

  /** No more values; the reader gets what is queued first. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** The reader's next step throws `cause`. */
  fail(cause: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#values = [];
    this.#error = { cause };
    this.#notify();
  }

  /** Takes all that is queued, waiting for at least one; undefined at the end. */
  async take(): Promise<readonly T[] | undefined> {
    while (this.#values.length === 0) {
      if (this.#error !== undefined) throw this.#error.cause;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const values = this.#values;
    this.#values = [];
    return values;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
