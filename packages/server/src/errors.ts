/**
 * @module
 * The server's error catalogue. `ApiError` is what a client sees (in OpenAI's shape);
 * `ServeError` is what the caller of `serve()` sees.
 */
import { EngineError, type EngineErrorCode } from '@triptych/llm';
import { ImageError, type ImageErrorCode } from './image/source.js';

/** OpenAI's error object: `{error: {message, type, param, code}}`. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: ErrorType;
    readonly param: string | null;
    readonly code: string;
  };
}

export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'server_error';

export interface ApiErrorOptions {
  readonly status: number;
  readonly type: ErrorType;
  readonly code: string;
  /** The request field that caused it, as a path: `messages[0].content`. */
  readonly param?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error that becomes an HTTP response. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: ErrorType;
  readonly code: string;
  readonly param: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(message: string, options: ApiErrorOptions) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'ApiError';
    this.status = options.status;
    this.type = options.type;
    this.code = options.code;
    this.param = options.param;
    this.headers = options.headers ?? {};
  }

  body(): ErrorBody {
    return {
      error: { message: this.message, type: this.type, param: this.param ?? null, code: this.code },
    };
  }
}

/** 400 that names a field. */
export function invalidField(param: string | undefined, message: string, code = 'invalid_value'): ApiError {
  return new ApiError(message, { status: 400, type: 'invalid_request_error', code, param });
}

/** 503 with a hint when to come back. */
export function unavailable(code: string, message: string): ApiError {
  return new ApiError(message, {
    status: 503,
    type: 'server_error',
    code,
    headers: { 'retry-after': '1' },
  });
}

/** The client hung up: nobody reads this answer, but the log and the engine's abort reason need a name. */
export function clientClosed(): ApiError {
  return new ApiError('The client closed the connection.', {
    status: 499,
    type: 'invalid_request_error',
    code: 'client_closed',
  });
}

export function shuttingDown(): ApiError {
  return unavailable('shutting_down', 'The server is shutting down.');
}

interface Mapping {
  readonly status: number;
  readonly type: ErrorType;
  readonly code: string;
}

const engineErrors: Readonly<Record<EngineErrorCode, Mapping>> = {
  invalid_request: { status: 400, type: 'invalid_request_error', code: 'invalid_value' },
  prompt_too_long: { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded' },
  no_chat_template: { status: 400, type: 'invalid_request_error', code: 'no_chat_template' },
  overloaded: { status: 503, type: 'server_error', code: 'overloaded' },
  closed: { status: 503, type: 'server_error', code: 'shutting_down' },
  out_of_memory: { status: 503, type: 'server_error', code: 'out_of_memory' },
  unsupported_model: { status: 500, type: 'server_error', code: 'unsupported_model' },
};

const imageErrors: Readonly<Record<ImageErrorCode, Omit<Mapping, 'code'>>> = {
  invalid_value: { status: 400, type: 'invalid_request_error' },
  invalid_image: { status: 400, type: 'invalid_request_error' },
  image_too_large: { status: 400, type: 'invalid_request_error' },
  unavailable: { status: 503, type: 'server_error' },
};

/** Any thrown thing as an `ApiError`. What is not meant for clients becomes a bare 500 (log the cause). */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (EngineError.isInstance(error)) {
    const mapping = engineErrors[error.code];
    return new ApiError(error.message, {
      ...mapping,
      param: error.field === undefined ? undefined : snakeCase(error.field),
      headers: mapping.status === 503 ? { 'retry-after': '1' } : {},
      cause: error,
    });
  }
  if (ImageError.isInstance(error)) {
    const mapping = imageErrors[error.code];
    return new ApiError(error.message, {
      ...mapping,
      code: error.code,
      param: error.field,
      headers: mapping.status === 503 ? { 'retry-after': '5' } : {},
      cause: error,
    });
  }
  return new ApiError('The server hit an internal error. Its log has the details under this request id.', {
    status: 500,
    type: 'server_error',
    code: 'internal_error',
    cause: error,
  });
}

/** An error's origin for the log: its stack, never a request's text. */
export function describeCause(error: ApiError): string | undefined {
  return error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : undefined;
}

/** The engine names fields in camelCase, the API in snake_case: `maxTokens` -> `max_tokens`. */
function snakeCase(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export type ServeErrorCode = 'port_in_use' | 'port_denied' | 'address_unavailable' | 'public_without_key';

/** `serve()` could not open its socket. The message says what to change. */
export class ServeError extends Error {
  readonly code: ServeErrorCode;

  constructor(code: ServeErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'ServeError';
    this.code = code;
  }
}
