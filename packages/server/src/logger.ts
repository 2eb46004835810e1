/**
 * @module
 * The one logging interface the server writes to. The server never picks a logging library by itself:
 * pass `createPinoLogger()`, `silentLogger` or an adapter of your own.
 */

/** Structured fields of a log line. Prompt and completion text never goes in here above `debug`. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds `fields` to every line, e.g. a request id. */
  child(fields: LogFields): Logger;
}

/** Throws every line away; the default of the library. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
