/**
 * @module
 * Finds stop strings in text that arrives in pieces, holding back only what may still become one.
 */

/** Streams text through until one of the stop strings has occurred. */
export class StopMatcher {
  readonly #stops: readonly string[];
  #held = '';
  #stopped = false;

  /** Empty strings are ignored. */
  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop.length > 0);
  }

  /** Whether a stop string has been found; the text before it has been returned, nothing follows. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Takes the next piece and returns the text that can no longer be part of a stop string. */
  push(piece: string): string {
    if (this.#stopped) return '';
    const text = this.#held + piece;
    let first = -1;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      if (at >= 0 && (first < 0 || at < first)) first = at;
    }
    if (first >= 0) {
      this.#stopped = true;
      this.#held = '';
      return text.slice(0, first);
    }
    const keep = this.#longestOpenSuffix(text);
    this.#held = text.slice(text.length - keep);
    return text.slice(0, text.length - keep);
  }

  /** Ends the text: what was held back did not become a stop string. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }

  /** Length of the longest suffix of `text` that is a proper prefix of a stop string. */
  #longestOpenSuffix(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) {
          longest = length;
          break;
        }
      }
    }
    return longest;
  }
}
