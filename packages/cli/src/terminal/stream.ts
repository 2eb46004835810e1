/**
 * @module
 * What tells a terminal from a pipe.
 */

export interface TerminalStream {
  /** Undefined when the stream is no terminal. */
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}
