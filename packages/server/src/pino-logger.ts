/**
 * @module
 * `Logger` on top of pino: JSON lines, for `triptych serve` and whoever wants the same format.
 */
import { type DestinationStream, type Logger as Pino, pino } from 'pino';
import type { Logger } from './logger.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface PinoLoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /** Where lines go. Default: standard error, so that standard output stays free for results. */
  readonly destination?: DestinationStream;
}

export function createPinoLogger(options: PinoLoggerOptions = {}): Logger {
  const destination = options.destination ?? pino.destination({ dest: 2, sync: true });
  return wrap(pino({ level: options.level ?? 'info', base: null }, destination));
}

function wrap(logger: Pino): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}
