/**
 * @module
 * Runs edits for routes: chooses the model, waits for its turn, observes, and hands events on.
 */
import { ApiError } from '../errors.js';
import { EventQueue } from '../http/event-queue.js';
import type { ImageMetrics } from '../metrics/image-metrics.js';
import { EditQueue } from './edit-queue.js';
import type { EditResponse, ImageUsage } from './edit-schema.js';
import type { ImageEditEvent, ImageEditRequest, ImageModelInfo, ImageSource } from './source.js';

/** An event of an edit, or the moment its turn came. */
export type RunEvent = ImageEditEvent | { readonly type: 'started' };

/** What every edit used: pictures are made of pixels here, and sources do not say how many tokens a text has. */
export const noTokens: ImageUsage = {
  input_tokens: 0,
  input_tokens_details: { image_tokens: 0, text_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { image_tokens: 0, text_tokens: 0 },
  total_tokens: 0,
};

/** Everything that routes share: one queue over one source. */
export class EditRunner {
  readonly source: ImageSource;
  readonly queue: EditQueue;
  readonly #metrics: ImageMetrics;

  constructor(source: ImageSource, maxQueued: number, metrics: ImageMetrics) {
    this.source = source;
    this.queue = new EditQueue(maxQueued);
    this.#metrics = metrics;
  }

  /** The model that a request names; none or an empty name means the first. Throws `ApiError` 404. */
  async model(id: string | null | undefined): Promise<ImageModelInfo> {
    const models = await this.source.models();
    const found = id ? models.find((one) => one.id === id) : models[0];
    if (found !== undefined) return found;
    const name = id === undefined || id === null ? '' : id.length > 100 ? `${id.slice(0, 100)}…` : id;
    throw new ApiError(
      `The image model '${name}' does not exist here. Available: ${models.map((one) => one.id).join(', ') || 'none'}. Leave 'model' out to use the default.`,
      { status: 404, type: 'invalid_request_error', code: 'model_not_found', param: 'model' },
    );
  }

  /** Runs an edit in its turn. Throws what the source throws, 503 when the queue is full, the signal's reason. */
  async run(
    request: ImageEditRequest,
    signal: AbortSignal,
    onEvent: (event: RunEvent) => void,
  ): Promise<void> {
    const observer = this.#metrics.observe(request.model);
    try {
      await this.queue.run(async () => {
        observer.started();
        onEvent({ type: 'started' });
        await this.source.edit(request, {
          signal,
          onEvent: (event) => {
            if (event.type === 'progress') observer.step();
            onEvent(event);
          },
        });
      }, signal);
      observer.ended('completed');
    } catch (error) {
      observer.ended(signal.aborted ? 'cancelled' : 'failed');
      throw error;
    }
  }

  /** The same as events. The edit goes on until `signal` aborts, also when nobody reads any more. */
  async *events(request: ImageEditRequest, signal: AbortSignal): AsyncGenerator<RunEvent> {
    const events = new EventQueue<RunEvent>();
    void this.run(request, signal, (event) =>
      events.push(event, (last) => last.type === 'progress' && event.type === 'progress'),
    ).then(
      () => events.end(),
      (error: unknown) => events.fail(error),
    );
    yield* events;
  }
}

/** Joins the results of an edit into the answer of a request that does not stream. */
export class EditCollector {
  readonly #request: ImageEditRequest;
  readonly #images: { readonly b64_json: string; readonly seed: number }[] = [];
  #size = '';

  constructor(request: ImageEditRequest) {
    this.#request = request;
  }

  add(event: RunEvent): void {
    if (event.type !== 'image') return;
    this.#images.push({ b64_json: toBase64(event.bytes), seed: event.seed });
    this.#size = `${event.width}x${event.height}`;
  }

  response(): EditResponse {
    return {
      created: nowSeconds(),
      model: this.#request.model,
      data: this.#images,
      output_format: this.#request.format,
      size: this.#size,
      background: 'auto',
      quality: 'auto',
      usage: noTokens,
    };
  }
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
