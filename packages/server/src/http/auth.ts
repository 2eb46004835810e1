/**
 * @module
 * API keys as bearer tokens. Keys are compared as SHA-256 digests in constant time, and every key is
 * compared every time, so the answer's delay says nothing about them.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { ApiError } from '../errors.js';
import type { AppEnv } from './context.js';

/** Throws `TypeError` for a key that could never be sent (empty or with spaces or control characters). */
export function bearerAuth(keys: readonly string[]): MiddlewareHandler<AppEnv> {
  for (const key of keys) {
    if (!/^[\x21-\x7e]+$/.test(key)) {
      throw new TypeError('An API key must be one or more printable ASCII characters without spaces.');
    }
  }
  const digests = keys.map(digest);
  return async (c, next) => {
    const header = c.req.header('authorization');
    const token = header === undefined ? undefined : /^Bearer +(\S+)$/i.exec(header)?.[1];
    if (token === undefined) {
      throw unauthorized("Send an API key: 'Authorization: Bearer <key>'.", 'missing_api_key');
    }
    const given = digest(token);
    let known = false;
    for (const one of digests) known = timingSafeEqual(one, given) || known;
    if (!known) throw unauthorized('The API key is not known here.', 'invalid_api_key');
    await next();
  };
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function unauthorized(message: string, code: string): ApiError {
  return new ApiError(message, {
    status: 401,
    type: 'authentication_error',
    code,
    headers: { 'www-authenticate': 'Bearer' },
  });
}
