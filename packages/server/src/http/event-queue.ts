/**
 * @module
 * From callbacks to an iterator: what work reports, one reader takes when it has room.
 */

/** A queue with one reader. `push` never waits; iteration ends on `end` and throws on `fail`, after what was pushed. */
export class EventQueue<Event> {
  readonly #events: Event[] = [];
  #end: { readonly error?: { readonly cause: unknown } } | undefined;
  #wake: () => void = () => undefined;

  /**
   * Adds an event. With `replaces`, takes the place of the last waiting event when that one is stale now: a slow
   * reader gets the newest state instead of a growing backlog.
   */
  push(event: Event, replaces: (earlier: Event) => boolean = () => false): void {
    if (this.#end !== undefined) return;
    const last = this.#events.at(-1);
    if (last !== undefined && replaces(last)) this.#events.pop();
    this.#events.push(event);
    this.#wake();
  }

  end(): void {
    this.#end ??= {};
    this.#wake();
  }

  fail(cause: unknown): void {
    this.#end ??= { error: { cause } };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) yield event;
      else if (this.#end?.error !== undefined) throw this.#end.error.cause;
      else if (this.#end !== undefined) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
