/**
 * @module
 * The sampling fields both text routes share, and how they become an engine request.
 */
import { z } from '@hono/zod-openapi';
import type { GenerateRequest } from '@triptych/llm';
import { invalidField } from '../errors.js';
import { boundedArray, ignored, wellFormed, whole } from '../http/schema-parts.js';

const engineDefault = 'Left out: the engine\u2019s default, see GET /api/info.';

/** Most tokens anyone may ask for; the engine bounds it again by the context. */
const maxTokens = whole(1, 2 ** 31 - 1);

const stopString = wellFormed().min(1).max(1000);

/** What clients of vLLM and llama.cpp send for no limit (`top_k`) and for a random seed. */
const unset = -1;

/** Fields of `SamplingOptions` under their OpenAI (or, where OpenAI has none, vLLM) names. */
export const samplingFields = {
  temperature: z
    .number()
    .min(0)
    .max(2)
    .nullish()
    .openapi({
      description: `0 is greedy. ${engineDefault}`,
    }),
  top_p: z
    .number()
    .min(0)
    .max(1)
    .nullish()
    .openapi({ description: `0 keeps only the likeliest token. ${engineDefault}` }),
  top_k: whole(unset, 1e9)
    .nullish()
    .openapi({
      description: `Extension. 0 or -1 keeps all tokens. ${engineDefault}`,
    }),
  min_p: z
    .number()
    .min(0)
    .max(1)
    .nullish()
    .openapi({ description: `Extension. ${engineDefault}` }),
  repetition_penalty: z
    .number()
    .min(0.01)
    .max(100)
    .nullish()
    .openapi({
      description: `Extension. 1 is off. ${engineDefault}`,
    }),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.int().min(unset).max(Number.MAX_SAFE_INTEGER).nullish().openapi({
    description:
      'Same seed, model, prompt and fields: same text, whatever else the server does. Left out or -1: random.',
  }),
  stop: z
    .union([stopString, boundedArray(stopString, { min: 0, max: 16 })], {
      error: 'must be a string or an array of up to 16 strings',
    })
    .nullish()
    .openapi({
      description: 'Up to 16 strings of 1 to 1000 characters. The text ends before the first match.',
    }),
  ignore_eos: z.boolean().nullish().openapi({
    description: 'Extension. Go on after the model\u2019s end token; for measurements.',
  }),
};

export const maxTokensField = maxTokens.nullish();

export const streamFields = {
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({
      include_usage: z.boolean().nullish(),
      include_obfuscation: ignored(),
    })
    .nullish(),
};

export const modelField = z.string().max(512).nullish().openapi({
  description: 'A model id from GET /v1/models. May be left out or empty: the default model answers.',
});

/** Fields that OpenAI knows and that make no difference to one's own machine. */
export const ignoredNames = [
  'user',
  'store',
  'metadata',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'parallel_tool_calls',
] as const;

export const ignoredFields: Record<(typeof ignoredNames)[number], z.ZodType<unknown, unknown>> = {
  user: ignored(),
  store: ignored(),
  metadata: ignored(),
  service_tier: ignored(),
  safety_identifier: ignored(),
  prompt_cache_key: ignored(),
  prompt_cache_retention: ignored(),
  parallel_tool_calls: ignored(),
};

/** Names of ignored fields that a body did use, for the `x-triptych-ignored` header. */
export function ignoredIn(body: Readonly<Partial<Record<(typeof ignoredNames)[number], unknown>>>): string[] {
  return ignoredNames.filter((name) => body[name] !== undefined && body[name] !== null);
}

type Nullable<Fields> = { readonly [Key in keyof Fields]?: Fields[Key] | null | undefined };

interface ParsedSampling
  extends Nullable<{
    temperature: number;
    top_p: number;
    top_k: number;
    min_p: number;
    repetition_penalty: number;
    presence_penalty: number;
    frequency_penalty: number;
    seed: number;
    stop: string | string[];
    ignore_eos: boolean;
  }> {}

/** The engine's view of a body's sampling fields. What the body leaves out stays out: the engine decides. */
export function toEngineFields(body: ParsedSampling): Partial<GenerateRequest> {
  const { stop } = body;
  return compact({
    temperature: body.temperature,
    topP: body.top_p,
    topK: body.top_k === unset ? 0 : body.top_k,
    minP: body.min_p,
    repetitionPenalty: body.repetition_penalty,
    presencePenalty: body.presence_penalty,
    frequencyPenalty: body.frequency_penalty,
    seed: body.seed === unset ? undefined : body.seed,
    stop: typeof stop === 'string' ? [stop] : stop,
    ignoreEos: body.ignore_eos,
  });
}

/** Drops fields without a value, as `exactOptionalPropertyTypes` wants it. */
export function compact<Fields extends object>(fields: Nullable<Fields>): Partial<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries) as Partial<Fields>;
}

/** `stream_options` without `stream` is a mistake worth naming. */
export function checkStreamOptions(body: Nullable<{ stream: boolean; stream_options: object }>): void {
  if (body.stream_options != null && body.stream !== true) {
    throw invalidField('stream_options', "'stream_options' is only allowed when 'stream' is true.");
  }
}
