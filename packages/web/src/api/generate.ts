/**
 * @module
 * Text from the server: `/v1/chat/completions` for a conversation, `/v1/completions` for a continuation, both
 * streamed. One kind of event comes out, so that a page need not know which of the two it reads.
 */

import type { SamplingSettings } from '../state/settings.js';
import { ApiError, type CallOptions, call, readError } from './http.js';
import { readEvents } from './sse.js';

export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export type GenerationEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'finish'; readonly reason: string; readonly usage: TokenUsage | undefined };

export interface WireMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Streams the model's answer to a conversation. Throws `ApiError`. */
export function streamChat(
  messages: readonly WireMessage[],
  sampling: SamplingSettings,
  options: CallOptions,
): AsyncGenerator<GenerationEvent> {
  return stream('v1/chat/completions', { messages, ...wireSampling(sampling) }, options);
}

/** Streams what the model writes after `prompt`. Throws `ApiError`. */
export function streamContinuation(
  prompt: string,
  sampling: SamplingSettings,
  options: CallOptions,
): AsyncGenerator<GenerationEvent> {
  return stream('v1/completions', { prompt, ...wireSampling(sampling) }, options);
}

/** The sampling fields as the API names them; an unset one is left out, so the server's default holds. */
export function wireSampling(sampling: SamplingSettings): Record<string, unknown> {
  return {
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    repetition_penalty: sampling.repetitionPenalty,
    ...(sampling.maxTokens === undefined ? {} : { max_tokens: sampling.maxTokens }),
    ...(sampling.seed === undefined ? {} : { seed: sampling.seed }),
    ...(sampling.stop.length === 0 ? {} : { stop: sampling.stop }),
  };
}

interface WireChunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly text?: string;
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
}

async function* stream(path: string, body: object, options: CallOptions): AsyncGenerator<GenerationEvent> {
  const request = { ...body, stream: true, stream_options: { include_usage: true } };
  const response = await call(path, options, request);
  if (response.body === null) throw new ApiError('The server sent no stream.', response.status, 'cut');
  let reason: string | undefined;
  let usage: TokenUsage | undefined;
  try {
    for await (const { data } of readEvents(response.body)) {
      if (data === '[DONE]') {
        yield { type: 'finish', reason: reason ?? 'stop', usage };
        return;
      }
      const parsed: unknown = JSON.parse(data);
      const failure = readError(parsed, response.status);
      if (failure !== undefined) throw failure;
      const chunk = parsed as WireChunk;
      const choice = chunk.choices?.[0];
      const text = choice?.delta?.content ?? choice?.text ?? '';
      if (text !== '') yield { type: 'text', text };
      reason = choice?.finish_reason ?? reason;
      if (chunk.usage) {
        usage = { promptTokens: chunk.usage.prompt_tokens, completionTokens: chunk.usage.completion_tokens };
      }
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof ApiError) throw error;
    throw new ApiError('The stream broke off before the text was complete.', 0, 'cut');
  }
  options.signal?.throwIfAborted();
  throw new ApiError('The stream ended before the text was complete.', 0, 'cut');
}
