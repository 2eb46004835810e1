/**
 * @module
 * The one way out to the server: adds the API key, and turns every failure into an `ApiError` whose message can
 * be shown as it is.
 */

/** `status` is 0 when no answer came at all. `code` is the server's own, or one of ours (`offline`, `cut`). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;

  constructor(message: string, status: number, code: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What a call needs of its surroundings. */
export interface CallOptions {
  readonly apiKey: string;
  readonly signal?: AbortSignal;
}

/**
 * Fetches `path`: a GET without a body, else a POST of JSON or of a form. Throws `ApiError` unless the answer is
 * 2xx. An abort passes through as the signal's reason.
 */
export async function call(path: string, options: CallOptions, body?: unknown): Promise<Response> {
  const headers = new Headers();
  if (options.apiKey !== '') headers.set('authorization', `Bearer ${options.apiKey}`);
  const isForm = body instanceof FormData;
  // Of a form only the browser knows the boundary between the parts.
  if (body !== undefined && !isForm) headers.set('content-type', 'application/json');
  let response: Response;
  try {
    response = await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw new ApiError(
      `The server does not answer. Is it still running? (${cause instanceof Error ? cause.message : 'no connection'})`,
      0,
      'offline',
    );
  }
  if (!response.ok) throw await errorFrom(response);
  return response;
}

/** The error of an answer that is not 2xx, in the OpenAI shape if it has it. */
async function errorFrom(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  return (
    readError(body, response.status) ??
    new ApiError(
      `The server answered ${response.status} ${response.statusText}`.trim(),
      response.status,
      `http_${response.status}`,
    )
  );
}

/** An `ApiError` from `{error: {message, code?, type?}}`, or undefined if `body` is not that. */
export function readError(body: unknown, status: number): ApiError | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  const error: unknown = body.error;
  if (typeof error !== 'object' || error === null) return undefined;
  const { message, code, type } = error as { message?: unknown; code?: unknown; type?: unknown };
  if (typeof message !== 'string' || message === '') return undefined;
  const name = [code, type].find((value) => typeof value === 'string' && value !== '');
  return new ApiError(message, status, typeof name === 'string' ? name : 'error');
}
