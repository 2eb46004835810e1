/**
 * @module
 * Gives each request an id and one log line. The line holds sizes and times, never prompt text.
 */
import { randomUUID } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { Lifecycle } from '../lifecycle.js';
import type { Logger } from '../logger.js';
import type { AppEnv } from './context.js';

const acceptableId = /^[\w.:-]{1,128}$/;
/** Probes and pollers would drown everything else at `info`. */
const quietPaths = new Set(['/health', '/metrics', '/api/memory']);

/**
 * Sets `x-request-id` (the client's own when it is harmless) and logs when the response is complete:
 * for a stream that is when its last byte was handed over or the client left.
 */
export function requestLog(logger: Logger, lifecycle: Lifecycle): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const startedAt = performance.now();
    const given = c.req.header('x-request-id');
    const requestId =
      given !== undefined && acceptableId.test(given) ? given : `req_${randomUUID().replaceAll('-', '')}`;
    const child = logger.child({ requestId });
    c.set('requestId', requestId);
    c.set('logger', child);
    c.set('logFields', {});
    const leave = lifecycle.enter();
    const done = (): void => {
      leave();
      const path = c.req.path;
      const fields = {
        method: c.req.method,
        path: path.length > 200 ? `${path.slice(0, 200)}…` : path,
        status: c.res.status,
        durationMs: Math.round(performance.now() - startedAt),
        ...c.get('logFields'),
      };
      if (c.res.status >= 500 && c.get('isExpected') !== true) child.warn(fields, 'request');
      else if (quietPaths.has(path)) child.debug(fields, 'request');
      else child.info(fields, 'request');
    };
    try {
      await next();
    } catch (error) {
      leave();
      throw error;
    }
    c.res.headers.set('x-request-id', requestId);
    const whenComplete = completions.get(c.res);
    if (whenComplete === undefined) done();
    else void whenComplete.then(done);
  };
}

/** Responses whose body outlives the handler, with the promise of their end. Weak: nothing is kept alive. */
const completions = new WeakMap<Response, Promise<void>>();

/** Tells the request log that `response` is complete only when `done` resolves (`done` never rejects). */
export function completeLater(response: Response, done: Promise<void>): Response {
  completions.set(response, done);
  return response;
}
