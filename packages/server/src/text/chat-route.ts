/**
 * @module
 * `POST /v1/chat/completions`.
 */
import type { GenerateEvent, GenerateRequest } from '@triptych/llm';
import { invalidField } from '../errors.js';
import type { App, AppContext, PanelContext } from '../http/context.js';
import { dataEvent, doneEvent } from '../http/event-stream.js';
import { requestAbort } from '../http/request-abort.js';
import { addJsonPost } from '../http/route.js';
import {
  type ChatChunk,
  type ChatRequest,
  type ChatResponse,
  chatChunkSchema,
  chatRequestSchema,
  chatResponseSchema,
} from './chat-schema.js';
import { collect, generate, toUsage } from './generation.js';
import { identify, ignoredHeader, type ReplyIdentity, streamReply } from './reply.js';
import { checkStreamOptions, compact, ignoredIn, toEngineFields } from './sampling.js';

export function addChatRoute(app: App, context: PanelContext): void {
  const doc = {
    path: '/v1/chat/completions',
    summary: 'Answer a chat',
    tag: 'text',
    body: chatRequestSchema(context.limits),
    maxBodyBytes: context.limits.maxBodyBytes,
    responses: {
      200: {
        description: 'The answer; as server-sent events when `stream` is true.',
        content: { 'application/json': chatResponseSchema, 'text/event-stream': chatChunkSchema },
      },
    },
  };
  addJsonPost(app, doc, (c, body) => handle(c, body, context));
}

async function handle(c: AppContext, body: ChatRequest, context: PanelContext): Promise<Response> {
  checkStreamOptions(body);
  const engine = context.models.resolve(body.model);
  const request = toRequest(body);
  const identity = identify(engine, 'chatcmpl', context.version);
  const ignored = ignoredIn(body);
  const abort = requestAbort(c.req.raw.signal, context.lifecycle.stopSignal);
  const events = generate(engine, request, abort.signal, {
    metrics: context.metrics,
    onUsage: (usage) => Object.assign(c.get('logFields'), toUsage([usage])),
  });
  if (body.stream === true) {
    const withUsage = body.stream_options?.include_usage === true;
    return streamReply(c, context, abort, toChunks(events, identity, withUsage), ignored);
  }
  try {
    const { text, reason, usage } = await collect(events);
    const answer: ChatResponse = {
      ...identity,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: text, refusal: null },
          logprobs: null,
          finish_reason: reason,
        },
      ],
      usage: toUsage([usage]),
    };
    return c.json(answer, 200, ignoredHeader(ignored));
  } finally {
    abort.dispose();
  }
}

function toRequest(body: ChatRequest): GenerateRequest {
  return {
    ...toEngineFields(body),
    ...compact({ maxTokens: maxTokens(body) }),
    messages: body.messages.map(({ role, content, name }) => ({
      role,
      content: typeof content === 'string' ? content : content.map((part) => part.text).join('\n'),
      ...compact({ name }),
    })),
  };
}

/** OpenAI renamed the field; both are taken, but not two different wishes. */
function maxTokens(body: ChatRequest): number | undefined {
  const { max_completion_tokens: current, max_tokens: old } = body;
  if (current != null && old != null && current !== old) {
    throw invalidField('max_tokens', "'max_tokens' and 'max_completion_tokens' differ; send one of them.");
  }
  return current ?? old ?? undefined;
}

async function* toChunks(
  events: AsyncGenerator<GenerateEvent>,
  identity: ReplyIdentity,
  withUsage: boolean,
): AsyncGenerator<string> {
  type Choice = ChatChunk['choices'][number];
  const chunk = (delta: Choice['delta'], finishReason: Choice['finish_reason'] = null): string =>
    dataEvent({
      ...identity,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      ...(withUsage ? { usage: null } : {}),
    } satisfies ChatChunk);
  for await (const event of events) {
    if (event.type === 'start') yield chunk({ role: 'assistant', content: '' });
    else if (event.type === 'text') {
      if (event.text !== '') yield chunk({ content: event.text });
    } else {
      yield chunk({}, event.reason);
      if (withUsage) {
        const last: ChatChunk = {
          ...identity,
          object: 'chat.completion.chunk',
          choices: [],
          usage: toUsage([event.usage]),
        };
        yield dataEvent(last);
      }
    }
  }
  yield doneEvent;
}
