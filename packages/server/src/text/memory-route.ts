/**
 * @module
 * `GET /api/memory` and `GET /api/memory/stream`: the KV memory as the playground draws it.
 */
import { z } from '@hono/zod-openapi';
import type { MemorySnapshot, TextEngineLike } from '@triptych/llm';
import { unavailable } from '../errors.js';
import type { App, AppContext, PanelContext } from '../http/context.js';
import { dataEvent, eventStream } from '../http/event-stream.js';
import { addGet } from '../http/route.js';
import { validate } from '../http/validate.js';

const bytes = z.number().min(0);

const memorySchema = z
  .object({
    backing: z.enum(['memfd', 'anonymous']),
    reservedBytes: bytes,
    slotBytes: bytes,
    budgetBytes: bytes,
    pageGroupBytes: bytes,
    neededBytes: bytes,
    committedBytes: bytes,
    residentBytes: bytes,
    maxTokens: z.int(),
    bytesPerToken: bytes,
    slots: z.array(
      z.object({
        slot: z.int(),
        state: z.enum(['active', 'cached', 'free']),
        tokens: z.int(),
        neededBytes: bytes,
        committedBytes: bytes,
      }),
    ),
  } satisfies Record<keyof MemorySnapshot, z.ZodType>)
  .openapi('Memory');

/** 10 Hz is the fastest: a snapshot of many slots is not free, and no eye needs more. */
const minIntervalMs = 100;

const streamQuery = z.object({
  interval_ms: z.coerce.number().int().min(minIntervalMs).max(60_000).default(200).openapi({
    description: 'Shortest time between two events, milliseconds.',
  }),
  model: z.string().optional(),
});

const memoryQuery = z.object({ model: z.string().optional() });

export function addMemoryRoutes(app: App, context: PanelContext): void {
  addGet(
    app,
    {
      path: '/api/memory',
      summary: 'The KV memory now',
      tag: 'system',
      query: memoryQuery,
      responses: {
        200: { description: 'A snapshot.', content: { 'application/json': memorySchema } },
      },
    },
    (c) => c.json(context.models.resolve(c.req.query('model')).memory()),
  );
  let openStreams = 0;
  addGet(
    app,
    {
      path: '/api/memory/stream',
      summary: 'The KV memory as it changes',
      tag: 'system',
      query: streamQuery,
      responses: {
        200: {
          description: 'One event at once, then one per change.',
          content: { 'text/event-stream': memorySchema },
        },
      },
    },
    async (c) => {
      const query = validate(streamQuery, c.req.query());
      const engine = context.models.resolve(query.model);
      if (openStreams >= context.limits.maxMemoryStreams) {
        throw unavailable('too_many_streams', 'Too many memory streams are open; close one.');
      }
      openStreams += 1;
      return stream(c, context, engine, query.interval_ms, () => {
        openStreams -= 1;
      });
    },
  );
}

async function stream(
  c: AppContext,
  context: PanelContext,
  engine: TextEngineLike,
  intervalMs: number,
  onEnd: () => void,
): Promise<Response> {
  const gone = new AbortController();
  const end = (): void => gone.abort();
  const { drainSignal } = context.lifecycle;
  drainSignal.addEventListener('abort', end, { once: true });
  const events = async function* (): AsyncGenerator<string> {
    try {
      yield* changes(engine, intervalMs, gone.signal);
    } finally {
      drainSignal.removeEventListener('abort', end);
      onEnd();
    }
  };
  return eventStream(events(), {
    pingIntervalMs: context.limits.pingIntervalMs,
    stallTimeoutMs: context.limits.stallTimeoutMs,
    headersAfterMs: context.limits.streamHeadersAfterMs,
    onGone: end,
    onError: (error) => c.get('logger').warn({ code: error.code }, 'memory stream ended by an error'),
  });
}

/** Snapshots that differ from the one before, at most one per interval; ends when `signal` aborts. */
async function* changes(
  engine: TextEngineLike,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let last: string | undefined;
  while (!signal.aborted) {
    const event = dataEvent(engine.memory());
    if (event !== last) yield event;
    last = event;
    await pause(intervalMs, signal);
  }
}

function pause(timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
