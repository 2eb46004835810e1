/**
 * @module
 * Schema pieces that several routes share.
 */
import { isDeepStrictEqual } from 'node:util';
import { z } from '@hono/zod-openapi';

/**
 * A field of the OpenAI API that this server does not offer yet: null and the `off` values, which mean "off", pass and
 * are dropped, everything else is refused by name. The document lists the same values.
 */
export function notYet(...off: readonly unknown[]): z.ZodType<undefined, unknown> {
  const words = off.map(inWords).join(' or ');
  // `===` too: JSON can spell -0, which is 0 here.
  const isOff = (value: unknown): boolean =>
    value == null || off.some((one) => value === one || isDeepStrictEqual(value, one));
  return z
    .unknown()
    .refine(isOff, {
      error: `is not supported yet; leave it out${words === '' ? '' : ` or send ${words}`}`,
      params: { code: 'unsupported_parameter' },
    })
    .transform(() => undefined)
    .optional()
    .openapi({
      ...(off.length === 0 ? { type: 'null' } : { enum: [null, ...off] }),
      description: `Not supported yet. Accepted: null${words === '' ? '' : `, ${words}`}.`,
    });
}

function inWords(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

/** A field that changes nothing here and does no harm: accepted, dropped, and named in a response header. */
export function ignored(): z.ZodType<unknown, unknown> {
  return z.unknown().optional().openapi({ description: 'Accepted and ignored.' });
}

/** A whole number in [min, max]. The bounds come first: `z.int()` names 2^53 - 1 for what is beyond that. */
export function whole(min: number, max: number): z.ZodNumber {
  return z.number().min(min).max(max).int();
}

/** Text that can be encoded as UTF-8: JSON escapes can spell half a character, which is refused. */
export function wellFormed(): z.ZodString {
  return z.string().refine((text) => !/\p{Surrogate}/u.test(text), {
    error: 'must not contain half of a surrogate pair',
    params: { code: 'invalid_text' },
  });
}

/**
 * An array with its length checked before its items, so that a hostile body cannot make the validator
 * collect a million complaints.
 */
export function boundedArray<Item extends z.ZodType>(
  item: Item,
  bounds: { readonly min: number; readonly max: number },
): z.ZodType<z.output<Item>[], unknown> {
  const { min, max } = bounds;
  return z.preprocess((value, context) => {
    const problem = lengthProblem(value, min, max);
    if (problem === undefined) return value;
    context.addIssue({ code: 'custom', message: problem });
    return z.NEVER;
  }, z.array(item).min(min).max(max));
}

function lengthProblem(value: unknown, min: number, max: number): string | undefined {
  if (!Array.isArray(value)) return 'must be an array';
  if (value.length < min || value.length > max) return `must have ${min} to ${max} items`;
  return undefined;
}

export const errorSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.enum(['invalid_request_error', 'authentication_error', 'permission_error', 'server_error']),
      param: z.string().nullable(),
      code: z.string(),
    }),
  })
  .openapi('Error');

export const usageSchema = z
  .object({
    prompt_tokens: z.int(),
    completion_tokens: z.int(),
    total_tokens: z.int(),
  })
  .openapi('Usage');
