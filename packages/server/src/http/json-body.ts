/**
 * @module
 * Reads a JSON request body and says exactly what is wrong with one that is not.
 */
import { ApiError } from '../errors.js';
import type { AppContext } from './context.js';

/**
 * The parsed body. Throws `ApiError`: 415 for another content type or a content encoding, 413 beyond `maxBytes` (also for bodies
 * that announce no length), 400 for invalid UTF-8 or JSON.
 * The content type is demanded because browsers send `text/plain` across origins without asking first.
 */
export async function readJson(c: AppContext, maxBytes: number): Promise<unknown> {
  requireJson(c.req.header('content-type'));
  requirePlain(c.req.header('content-encoding'));
  const bytes = await readBytes(c, maxBytes);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badBody('invalid_utf8', 'The request body is not valid UTF-8.');
  }
  if (text.trim() === '') throw badBody('empty_body', 'The request body is empty; send a JSON object.');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badBody('invalid_json', 'The request body is not valid JSON.');
  }
}

function requireJson(contentType: string | undefined): void {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  if (type.trim() === 'application/json' && isUtf8) return;
  throw new ApiError("Send the body as 'Content-Type: application/json' in UTF-8.", {
    status: 415,
    type: 'invalid_request_error',
    code: 'unsupported_media_type',
  });
}

function requirePlain(encoding: string | undefined): void {
  if (encoding === undefined || encoding.trim().toLowerCase() === 'identity') return;
  throw new ApiError(`Send the body without 'Content-Encoding: ${encoding.slice(0, 40)}'.`, {
    status: 415,
    type: 'invalid_request_error',
    code: 'unsupported_media_type',
  });
}

/** The whole body. Throws `ApiError`: 413 beyond `maxBytes`, 400 when it ends early. */
export async function readBytes(c: AppContext, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(c.req.header('content-length') ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  const stream = c.req.raw.body;
  if (stream === null) return new Uint8Array();
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(value);
    }
  } catch (error) {
    void reader.cancel().catch(() => undefined);
    if (error instanceof ApiError) throw error;
    throw badBody('incomplete_body', 'The request body ended early.');
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError(`The request body is larger than ${maxBytes} bytes.`, {
    status: 413,
    type: 'invalid_request_error',
    code: 'body_too_large',
    // The rest of the body is not read, so the connection cannot be used again.
    headers: { connection: 'close' },
  });
}

function badBody(code: string, message: string): ApiError {
  return new ApiError(message, { status: 400, type: 'invalid_request_error', code });
}
