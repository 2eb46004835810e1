/**
 * @module
 * `POST /v1/images/edits`: one answer, or a stream with partial images and progress.
 */
import { type ApiError, clientClosed, describeCause } from '../errors.js';
import type { App, AppContext, PanelContext } from '../http/context.js';
import { eventStream } from '../http/event-stream.js';
import { requestAbort } from '../http/request-abort.js';
import { addPost } from '../http/route.js';
import { type BodyRules, ignoredFieldsOf, readEditBody, toEditRequest } from './edit-body.js';
import { EditCollector, type EditRunner, noTokens, nowSeconds, type RunEvent, toBase64 } from './edit-run.js';
import {
  type EditStreamEvent,
  editEventSchema,
  editFormSchema,
  editJsonSchema,
  editResponseSchema,
} from './edit-schema.js';
import type { ImageEditRequest } from './source.js';

export function addEditRoute(app: App, context: PanelContext, runner: EditRunner, rules: BodyRules): void {
  addPost(
    app,
    {
      path: '/v1/images/edits',
      summary: 'Edit a picture by an instruction',
      tag: 'images',
      bodies: { 'multipart/form-data': editFormSchema, 'application/json': editJsonSchema },
      responses: {
        200: {
          description: 'The results; as server-sent events when `stream` is true.',
          content: { 'application/json': editResponseSchema, 'text/event-stream': editEventSchema },
        },
      },
    },
    (c) => handle(c, context, runner, rules),
  );
}

async function handle(
  c: AppContext,
  context: PanelContext,
  runner: EditRunner,
  rules: BodyRules,
): Promise<Response> {
  runner.queue.assertRoom();
  const body = await readEditBody(c, rules);
  const request = toEditRequest(body, await runner.model(body.fields.model));
  const ignored = ignoredFieldsOf(body.fields);
  const headers: Record<string, string> =
    ignored.length === 0 ? {} : { 'x-triptych-ignored': ignored.join(', ') };
  Object.assign(c.get('logFields'), { images: request.n, imageBytes: request.image.byteLength });
  const abort = requestAbort(c.req.raw.signal, context.lifecycle.stopSignal);
  if (body.fields.stream === true) {
    const { limits } = context;
    const logger = c.get('logger');
    const events = runner.events(request, abort.signal);
    const disposing = async function* (): AsyncGenerator<string> {
      try {
        for await (const event of events) {
          const reply = toStreamEvent(event, request, body.fields.progress === true);
          if (reply !== undefined) yield namedEvent(reply);
        }
      } finally {
        abort.abort(clientClosed());
        abort.dispose();
      }
    };
    return eventStream(disposing(), {
      pingIntervalMs: limits.pingIntervalMs,
      stallTimeoutMs: limits.stallTimeoutMs,
      headersAfterMs: limits.streamHeadersAfterMs,
      headers,
      onGone: () => abort.abort(clientClosed()),
      onError: (error: ApiError) => {
        const level = error.status >= 500 ? 'error' : 'info';
        logger[level]({ code: error.code, cause: describeCause(error) }, 'image stream ended by an error');
      },
    });
  }
  try {
    const collector = new EditCollector(request);
    await runner.run(request, abort.signal, (event) => collector.add(event));
    return c.json(collector.response(), 200, headers);
  } finally {
    abort.dispose();
  }
}

/** OpenAI names the event in both places; its client reads the data. */
function namedEvent(event: EditStreamEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function toStreamEvent(
  event: RunEvent,
  request: ImageEditRequest,
  withProgress: boolean,
): EditStreamEvent | undefined {
  const common = {
    created_at: nowSeconds(),
    output_format: request.format,
    background: 'auto',
    quality: 'auto',
  } as const;
  switch (event.type) {
    case 'started':
      return undefined;
    case 'progress':
      return withProgress
        ? {
            type: 'image_edit.progress',
            index: event.index,
            step: event.step,
            steps: event.steps,
            eta_seconds: event.etaSeconds ?? null,
          }
        : undefined;
    case 'preview':
      return {
        type: 'image_edit.partial_image',
        b64_json: toBase64(event.bytes),
        partial_image_index: event.previewIndex,
        step: event.step,
        steps: event.steps,
        index: event.index,
        size: `${event.width}x${event.height}`,
        ...common,
      };
    case 'image':
      return {
        type: 'image_edit.completed',
        b64_json: toBase64(event.bytes),
        seed: event.seed,
        index: event.index,
        size: `${event.width}x${event.height}`,
        usage: noTokens,
        ...common,
      };
  }
}
