/**
 * @module
 * How the command ends: exit codes, and the errors that choose one.
 */

export const exitCodes = {
  ok: 0,
  /** The request could not be served: model, engine, port, input. */
  failure: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** Ctrl-C (128 + SIGINT). */
  interrupted: 130,
  /** The reader of standard output went away (128 + SIGPIPE). */
  brokenPipe: 141,
  /** 128 + SIGTERM. */
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A command line that makes no sense; the message says what to write instead. */
export class UsageError extends Error {
  readonly code = 'usage';

  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** The user or the system asked the command to stop. */
export class InterruptedError extends Error {
  readonly code = 'interrupted';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode = exitCodes.interrupted) {
    super('Interrupted.');
    this.name = 'InterruptedError';
    this.exitCode = exitCode;
  }
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof InterruptedError) return error.exitCode;
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failure;
}

/** The stable code an error carries, for `--json`. */
export function errorCodeOf(error: unknown): string {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : 'failure';
}
