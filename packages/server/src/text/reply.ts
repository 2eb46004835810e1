/**
 * @module
 * What chat and completion answers have in common: identity, headers, abort wiring, log fields.
 */
import { randomUUID } from 'node:crypto';
import type { TextEngineLike } from '@triptych/llm';
import { type ApiError, clientClosed, describeCause } from '../errors.js';
import type { AppContext, PanelContext } from '../http/context.js';
import { eventStream } from '../http/event-stream.js';
import type { RequestAbort } from '../http/request-abort.js';

export interface ReplyIdentity {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  /** Changes when the same request to the same model may give other text: server version, instruction set. */
  readonly system_fingerprint: string;
}

export function identify(engine: TextEngineLike, prefix: string, version: string): ReplyIdentity {
  return {
    id: `${prefix}-${randomUUID().replaceAll('-', '')}`,
    created: Math.floor(Date.now() / 1000),
    model: engine.info.id,
    system_fingerprint: `triptych-${version}-${engine.info.isa}`,
  };
}

export function ignoredHeader(ignored: readonly string[]): Record<string, string> {
  return ignored.length === 0 ? {} : { 'x-triptych-ignored': ignored.join(', ') };
}

/** Streams a generation's events; the client's leaving aborts it, its end unhooks the abort signals. */
export async function streamReply(
  c: AppContext,
  context: PanelContext,
  abort: RequestAbort,
  events: AsyncGenerator<string>,
  ignored: readonly string[],
): Promise<Response> {
  const { limits } = context;
  const logger = c.get('logger');
  return eventStream(disposing(events, abort), {
    pingIntervalMs: limits.pingIntervalMs,
    stallTimeoutMs: limits.stallTimeoutMs,
    headersAfterMs: limits.streamHeadersAfterMs,
    headers: ignoredHeader(ignored),
    onGone: () => abort.abort(clientClosed()),
    onError: (error: ApiError) => {
      const level = error.status >= 500 ? 'error' : 'info';
      logger[level]({ code: error.code, cause: describeCause(error) }, 'stream ended by an error');
    },
  });
}

async function* disposing(events: AsyncGenerator<string>, abort: RequestAbort): AsyncGenerator<string> {
  try {
    yield* events;
  } finally {
    // Of several prompts some may still run: after an error or a client's leaving nobody reads them.
    abort.abort(clientClosed());
    abort.dispose();
  }
}
