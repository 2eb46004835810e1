/**
 * @module
 * Request and response shapes of `POST /v1/completions`.
 */
import { z } from '@hono/zod-openapi';
import { notYet, usageSchema } from '../http/schema-parts.js';
import type { ServerLimits } from '../limits.js';
import { ignoredFields, maxTokensField, modelField, samplingFields, streamFields } from './sampling.js';

/** A prompt as the engine takes it: text, or token ids. */
export type Prompt = string | number[];

/** OpenAI's default for this route. */
export const defaultCompletionTokens = 16;

/**
 * `prompt` in its four forms, always as a list. Checked by hand: a union of array schemas would visit every
 * item of a body full of token ids once per alternative and keep a complaint for each.
 */
function promptSchema(maxPrompts: number) {
  return z
    .unknown()
    .transform((value, context): Prompt[] => {
      const prompts = toPrompts(value, maxPrompts);
      if (typeof prompts !== 'string') return prompts;
      context.addIssue({ code: 'custom', message: prompts });
      return z.NEVER;
    })
    .openapi({
      description: `Text, token ids, or up to ${maxPrompts} of either. Each prompt gives one choice.`,
      oneOf: [
        { type: 'string' },
        { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: maxPrompts },
        { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 },
        {
          type: 'array',
          items: { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 },
          minItems: 1,
          maxItems: maxPrompts,
        },
      ],
    });
}

/** The prompts, or what is wrong in words. */
function toPrompts(value: unknown, maxPrompts: number): Prompt[] | string {
  if (typeof value === 'string') return isWellFormed(value) ? [value] : halfPair;
  if (!Array.isArray(value)) return 'must be a string, an array of strings, token ids or arrays of token ids';
  const items: readonly unknown[] = value;
  if (items.length === 0) return 'must not be an empty array';
  if (typeof items[0] === 'number') return isTokenIds(items) ? [items] : notTokenIds;
  if (items.length > maxPrompts) return `must have at most ${maxPrompts} prompts`;
  if (typeof items[0] === 'string') {
    if (!items.every((item) => typeof item === 'string')) return 'must not mix strings with other items';
    return items.every(isWellFormed) ? [...items] : halfPair;
  }
  const lists: number[][] = [];
  for (const item of items) {
    if (!Array.isArray(item) || item.length === 0 || !isTokenIds(item)) return notTokenIds;
    lists.push(item);
  }
  return lists;
}

const notTokenIds = 'must hold non-negative integer token ids, strings, or non-empty arrays of token ids';
const halfPair = 'must not contain half of a surrogate pair';

function isTokenIds(items: readonly unknown[]): items is number[] {
  return items.every((item) => Number.isInteger(item) && (item as number) >= 0 && (item as number) < 2 ** 31);
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

export function completionRequestSchema(limits: Pick<ServerLimits, 'maxPrompts'>) {
  return z
    .strictObject({
      model: modelField,
      prompt: promptSchema(limits.maxPrompts),
      max_tokens: maxTokensField.openapi({
        description: `Default ${defaultCompletionTokens}, as at OpenAI.`,
      }),
      echo: z.boolean().nullish().openapi({
        description: 'Begin the text with the prompt. Only for prompts given as text.',
      }),
      ...samplingFields,
      ...streamFields,
      n: notYet(1),
      best_of: notYet(1),
      logprobs: notYet(),
      logit_bias: notYet({}),
      suffix: notYet(''),
      ...ignoredFields,
    })
    .openapi('CompletionRequest');
}

export type CompletionRequest = z.output<ReturnType<typeof completionRequestSchema>>;

const finishReason = z.enum(['stop', 'length']);

/** Also the shape of a streamed chunk; there `finish_reason` is null until the end. */
export const completionResponseSchema = z
  .object({
    id: z.string(),
    object: z.literal('text_completion'),
    created: z.int(),
    model: z.string(),
    system_fingerprint: z.string(),
    choices: z.array(
      z.object({
        index: z.int(),
        text: z.string(),
        logprobs: z.null(),
        finish_reason: finishReason.nullable(),
      }),
    ),
    usage: z.union([usageSchema, z.null()]).optional(),
  })
  .openapi('Completion');

export type CompletionResponse = z.infer<typeof completionResponseSchema>;
