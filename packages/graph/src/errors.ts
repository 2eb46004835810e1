/** What went wrong, stable across releases. */
export type GraphErrorCode =
  | 'shape_mismatch'
  | 'dtype_mismatch'
  | 'invalid_attribute'
  | 'not_differentiable'
  | 'missing_feed'
  | 'invalid_feed'
  | 'session_failed'
  | 'worker_closed'
  | 'aborted'
  | 'invalid_data'
  | 'checkpoint_mismatch';

/** Every error this package throws on purpose. `message` names the tensor or field and what to change. */
export class GraphError extends Error {
  readonly code: GraphErrorCode;

  constructor(code: GraphErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GraphError';
    this.code = code;
  }
}
