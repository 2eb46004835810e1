/**
 * @module
 * `POST /v1/completions`: one or more prompts, each continued on its own, all at the same time.
 */
import type { FinishReason, GenerateEvent, GenerateRequest, Usage } from '@triptych/llm';
import { clientClosed, invalidField } from '../errors.js';
import type { App, AppContext, PanelContext } from '../http/context.js';
import { dataEvent, doneEvent } from '../http/event-stream.js';
import { requestAbort } from '../http/request-abort.js';
import { addJsonPost } from '../http/route.js';
import {
  type CompletionRequest,
  type CompletionResponse,
  completionRequestSchema,
  completionResponseSchema,
  defaultCompletionTokens,
  type Prompt,
} from './completion-schema.js';
import { collect, generate, toUsage } from './generation.js';
import { merge } from './merge.js';
import { identify, ignoredHeader, type ReplyIdentity, streamReply } from './reply.js';
import { checkStreamOptions, ignoredIn, toEngineFields } from './sampling.js';

export function addCompletionRoute(app: App, context: PanelContext): void {
  const doc = {
    path: '/v1/completions',
    summary: 'Continue a text',
    tag: 'text',
    body: completionRequestSchema(context.limits),
    maxBodyBytes: context.limits.maxBodyBytes,
    responses: {
      200: {
        description: 'The continuations; as server-sent events of the same shape when `stream` is true.',
        content: {
          'application/json': completionResponseSchema,
          'text/event-stream': completionResponseSchema,
        },
      },
    },
  };
  addJsonPost(app, doc, (c, body) => handle(c, body, context));
}

async function handle(c: AppContext, body: CompletionRequest, context: PanelContext): Promise<Response> {
  checkStreamOptions(body);
  const echoes = toEchoes(body);
  const engine = context.models.resolve(body.model);
  const identity = identify(engine, 'cmpl', context.version);
  const ignored = ignoredIn(body);
  const abort = requestAbort(c.req.raw.signal, context.lifecycle.stopSignal);
  const usages: Usage[] = [];
  const observer = {
    metrics: context.metrics,
    onUsage: (usage: Usage) => {
      usages.push(usage);
      Object.assign(c.get('logFields'), toUsage(usages));
    },
  };
  const runs = toRequests(body).map((request) => generate(engine, request, abort.signal, observer));
  if (body.stream === true) {
    const withUsage = body.stream_options?.include_usage === true;
    return streamReply(c, context, abort, toChunks(runs, echoes, identity, withUsage), ignored);
  }
  try {
    const results = await Promise.all(runs.map(collect));
    const answer: CompletionResponse = {
      ...identity,
      object: 'text_completion',
      choices: results.map(({ text, reason }, index) => ({
        index,
        text: (echoes[index] ?? '') + text,
        logprobs: null,
        finish_reason: reason,
      })),
      usage: toUsage(usages),
    };
    return c.json(answer, 200, ignoredHeader(ignored));
  } catch (error) {
    // One prompt failed: nobody will read the others.
    abort.abort(clientClosed());
    throw error;
  } finally {
    abort.dispose();
  }
}

function toRequests(body: CompletionRequest): GenerateRequest[] {
  const shared = { ...toEngineFields(body), maxTokens: body.max_tokens ?? defaultCompletionTokens };
  return body.prompt.map((prompt) => ({ ...shared, prompt }));
}

/** What each choice begins with: its prompt when `echo` is set. */
function toEchoes(body: CompletionRequest): string[] {
  if (body.echo !== true) return body.prompt.map(() => '');
  return body.prompt.map((prompt: Prompt) => {
    if (typeof prompt === 'string') return prompt;
    throw invalidField(
      'echo',
      "'echo' is not supported yet for prompts given as token ids; send text.",
      'unsupported_parameter',
    );
  });
}

async function* toChunks(
  runs: readonly AsyncGenerator<GenerateEvent>[],
  echoes: readonly string[],
  identity: ReplyIdentity,
  withUsage: boolean,
): AsyncGenerator<string> {
  const chunk = (index: number, text: string, finishReason: FinishReason | null = null): string =>
    dataEvent({
      ...identity,
      object: 'text_completion',
      choices: [{ index, text, logprobs: null, finish_reason: finishReason }],
      ...(withUsage ? { usage: null } : {}),
    } satisfies CompletionResponse);
  const usages: Usage[] = [];
  for await (const [index, event] of merge(runs)) {
    if (event.type === 'start') yield chunk(index, echoes[index] ?? '');
    else if (event.type === 'text') {
      if (event.text !== '') yield chunk(index, event.text);
    } else {
      usages.push(event.usage);
      yield chunk(index, '', event.reason);
    }
  }
  if (withUsage) {
    const last: CompletionResponse = {
      ...identity,
      object: 'text_completion',
      choices: [],
      usage: toUsage(usages),
    };
    yield dataEvent(last);
  }
  yield doneEvent;
}
