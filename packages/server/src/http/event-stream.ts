/**
 * @module
 * Server-sent events over a pull-driven stream: the next event is taken only when the client has room for it,
 * idle streams are kept open with comments, and a client that left or stalls ends the source.
 */
import { type ApiError, toApiError } from '../errors.js';
import { completeLater } from './request-log.js';

export interface EventStreamOptions {
  readonly pingIntervalMs: number;
  readonly stallTimeoutMs: number;
  /** How long to wait for the first event before the headers go out. */
  readonly headersAfterMs: number;
  /** Called when the client left or stalled: stop the work behind the events. */
  readonly onGone: () => void;
  /** Called with an error that can no longer become an HTTP status. */
  readonly onError: (error: ApiError) => void;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One event of JSON data. */
export function dataEvent(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

export const doneEvent = 'data: [DONE]\n\n';

/**
 * Streams `events` (already encoded). Rejects when the first event fails within `headersAfterMs`;
 * a later failure becomes a last `data: {"error": ...}` event.
 */
export async function eventStream(
  events: AsyncGenerator<string>,
  options: EventStreamOptions,
): Promise<Response> {
  const first = events.next();
  // Awaited below or in the first pull; without this a failure in between would count as unhandled.
  first.catch(() => undefined);
  await settledWithin(first, options.headersAfterMs);
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const body = new ReadableStream<Uint8Array>(new EventSource(events, first, options, finish), {
    highWaterMark: 1,
  });
  const response = new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...options.headers,
    },
  });
  return completeLater(response, finished);
}

/** Resolves when `promise` did or after `timeoutMs`; rejects when `promise` rejected in time. */
async function settledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  try {
    await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** The pull side of the stream. Ends exactly once, by the last event, an error, or the client leaving. */
class EventSource {
  readonly #events: AsyncGenerator<string>;
  readonly #options: EventStreamOptions;
  readonly #finish: () => void;
  readonly #encoder = new TextEncoder();
  #next: Promise<IteratorResult<string>> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastProgressAt = performance.now();
  #ended = false;

  constructor(
    events: AsyncGenerator<string>,
    first: Promise<IteratorResult<string>>,
    options: EventStreamOptions,
    finish: () => void,
  ) {
    this.#events = events;
    this.#next = first;
    this.#options = options;
    this.#finish = finish;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { pingIntervalMs, stallTimeoutMs } = this.#options;
    const checkEveryMs = Math.min(pingIntervalMs, stallTimeoutMs) / 2;
    this.#timer = setInterval(() => this.#tick(controller), checkEveryMs);
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#lastProgressAt = performance.now();
    try {
      const result = await (this.#next ?? this.#events.next());
      this.#next = undefined;
      if (this.#ended) return;
      if (result.done === true) {
        this.#end();
        controller.close();
        return;
      }
      this.#lastProgressAt = performance.now();
      controller.enqueue(this.#encoder.encode(result.value));
    } catch (error) {
      this.#next = undefined;
      if (this.#ended) return;
      this.#end();
      const apiError = toApiError(error);
      this.#options.onError(apiError);
      controller.enqueue(this.#encoder.encode(dataEvent(apiError.body())));
      controller.close();
    }
  }

  /** Resolves when the source has cleaned up. */
  cancel(): Promise<void> {
    return this.#gone();
  }

  #tick(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const hasRoom = (controller.desiredSize ?? 0) > 0;
    const idleMs = performance.now() - this.#lastProgressAt;
    if (hasRoom && idleMs >= this.#options.pingIntervalMs) {
      this.#lastProgressAt = performance.now();
      controller.enqueue(this.#encoder.encode(': ping\n\n'));
    } else if (!hasRoom && idleMs >= this.#options.stallTimeoutMs) {
      void this.#gone();
      controller.error(new Error('The client stopped reading.'));
    }
  }

  async #gone(): Promise<void> {
    if (this.#ended) return;
    this.#end();
    this.#options.onGone();
    // The abort just asked for is the expected failure.
    await this.#events.return(undefined).catch(() => undefined);
  }

  #end(): void {
    this.#ended = true;
    clearInterval(this.#timer);
    this.#finish();
  }
}
