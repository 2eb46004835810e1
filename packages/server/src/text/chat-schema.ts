/**
 * @module
 * Request and response shapes of `POST /v1/chat/completions`.
 */
import { z } from '@hono/zod-openapi';
import { boundedArray, notYet, usageSchema, wellFormed } from '../http/schema-parts.js';
import type { ServerLimits } from '../limits.js';
import { ignoredFields, maxTokensField, modelField, samplingFields, streamFields } from './sampling.js';

function messageSchema(maxParts: number) {
  const textPart = z.strictObject(
    {
      type: z.literal('text', { error: "only parts of type 'text' are supported yet" }),
      text: wellFormed(),
    },
    { error: 'must be an object' },
  );
  const content = z
    .union([wellFormed(), boundedArray(textPart, { min: 1, max: maxParts })], {
      error: 'must be a string or an array of text parts',
    })
    .openapi({ description: 'Parts are joined by line breaks.' });
  return z
    .strictObject({
      role: z.enum(['system', 'developer', 'user', 'assistant'], {
        error: "must be 'system', 'developer', 'user' or 'assistant'; tool messages are not supported yet",
      }),
      content,
      name: wellFormed().max(256).optional(),
      // What an assistant message that came from this API carries along.
      refusal: notYet(),
      annotations: notYet([]),
      audio: notYet(),
      tool_calls: notYet([]),
      function_call: notYet(),
    })
    .openapi('ChatMessage');
}

export function chatRequestSchema(limits: Pick<ServerLimits, 'maxMessages'>) {
  return z
    .strictObject({
      model: modelField,
      messages: boundedArray(messageSchema(limits.maxMessages), { min: 1, max: limits.maxMessages }),
      max_completion_tokens: maxTokensField,
      max_tokens: maxTokensField,
      ...samplingFields,
      ...streamFields,
      n: notYet(1),
      logprobs: notYet(false),
      top_logprobs: notYet(0),
      logit_bias: notYet({}),
      tools: notYet([]),
      tool_choice: notYet('none', 'auto'),
      functions: notYet([]),
      function_call: notYet('none', 'auto'),
      response_format: notYet({ type: 'text' }),
      modalities: notYet(['text'], []),
      audio: notYet(),
      prediction: notYet(),
      reasoning_effort: notYet('none'),
      verbosity: notYet('medium'),
      web_search_options: notYet(),
      moderation: notYet(),
      ...ignoredFields,
    })
    .openapi('ChatCompletionRequest');
}

export type ChatRequest = z.output<ReturnType<typeof chatRequestSchema>>;

const finishReason = z.enum(['stop', 'length']);

export const chatResponseSchema = z
  .object({
    id: z.string(),
    object: z.literal('chat.completion'),
    created: z.int(),
    model: z.string(),
    system_fingerprint: z.string(),
    choices: z.array(
      z.object({
        index: z.int(),
        message: z.object({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
        logprobs: z.null(),
        finish_reason: finishReason,
      }),
    ),
    usage: usageSchema,
  })
  .openapi('ChatCompletion');

export const chatChunkSchema = z
  .object({
    id: z.string(),
    object: z.literal('chat.completion.chunk'),
    created: z.int(),
    model: z.string(),
    system_fingerprint: z.string(),
    choices: z.array(
      z.object({
        index: z.int(),
        delta: z.object({ role: z.literal('assistant').optional(), content: z.string().optional() }),
        logprobs: z.null(),
        finish_reason: finishReason.nullable(),
      }),
    ),
    usage: z.union([usageSchema, z.null()]).optional(),
  })
  .openapi('ChatCompletionChunk');

export type ChatResponse = z.infer<typeof chatResponseSchema>;
export type ChatChunk = z.infer<typeof chatChunkSchema>;
