/** What went wrong, stable across releases. */
export type NetworkErrorCode =
  /** A configuration key is missing, absurd, or asks for something that is not built here. */
  | 'invalid_config'
  /** A weight is missing, superfluous, or of another shape or type than the network needs. */
  | 'invalid_weights'
  /** A file of a kind that is never loaded (pickles), or a model folder without a part that is needed. */
  | 'unsupported_file'
  /** An argument from the calling program that makes no sense. */
  | 'invalid_argument';

/** Thrown when a configuration, weights or an argument do not describe a network this package can build or run. */
export class NetworkError extends Error {
  readonly code: NetworkErrorCode;

  constructor(code: NetworkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NetworkError';
    this.code = code;
  }
}
