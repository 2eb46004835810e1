/**
 * @module
 * Bodies and answers of the rating and review routes.
 */
import { z } from '@hono/zod-openapi';
import { wellFormed } from '../http/schema-parts.js';

/** Bodies are a name, a comment, an instruction: more is no honest request. */
export const maxPeopleBodyBytes = 64 * 1024;

const token = wellFormed().min(1).max(100).openapi({ description: 'What joining gave.' });
const id = wellFormed().min(1).max(200);

export const joinBody = z
  .strictObject({
    name: wellFormed().max(1000),
    resume: z.boolean().optional().openapi({ description: 'Go on as the person of this name.' }),
  })
  .openapi('JoinRequest');

export const ratingBody = z
  .strictObject({
    rater: token,
    trial: id,
    score: z.union([z.literal(0), z.literal(50), z.literal(100)], { error: 'must be 0, 50 or 100' }),
    comment: wellFormed().max(10_000).optional(),
    milliseconds: z.number().min(0).max(1e9).optional(),
  })
  .openapi('RatingRequest');

export const raterBody = z.strictObject({ rater: token }).openapi('RaterRequest');

export const decisionBody = z
  .strictObject({
    annotator: token,
    candidate: id,
    verdict: z.enum(['accept', 'reject'], { error: "must be 'accept' or 'reject'" }),
    instruction: wellFormed().max(10_000).optional().openapi({ description: 'With `accept`.' }),
    reason: wellFormed().max(100).optional().openapi({ description: 'With `reject`.' }),
  })
  .openapi('DecisionRequest');

export const annotatorBody = z.strictObject({ annotator: token }).openapi('AnnotatorRequest');

const ratingStateShape = z.object({
  name: z.string(),
  done: z.int(),
  total: z.int(),
  trial: z.object({ id: z.string(), instruction: z.string() }).optional(),
  undone: z.object({ score: z.number(), comment: z.string() }).optional(),
});
export const ratingState = ratingStateShape.openapi('RatingState');
export const joinedRater = ratingStateShape.extend({ token: z.string() }).openapi('JoinedRater');

export const ratingProtocol = z
  .object({
    question: z.string(),
    levels: z.array(z.object({ score: z.number(), label: z.string(), meaning: z.string() })),
    rules: z.array(z.string()),
    examples: z.array(z.object({ instruction: z.string(), score: z.number(), reason: z.string() })),
    trials: z.int(),
  })
  .openapi('RatingProtocol');

const candidate = z.object({
  id: z.string(),
  width: z.int(),
  height: z.int(),
  clip: z.string(),
  firstSeconds: z.number(),
  lastSeconds: z.number(),
  caption: z.string().optional(),
  instruction: z.string().optional(),
  remarks: z.array(z.string()),
});

const reviewStateShape = z.object({
  name: z.string(),
  decided: z.int(),
  accepted: z.int(),
  left: z.int(),
  candidate: candidate.optional(),
  undone: z
    .object({
      candidate: z.string(),
      verdict: z.enum(['accept', 'reject']),
      instruction: z.string().optional(),
      reason: z.string().optional(),
    })
    .optional(),
});
export const reviewState = reviewStateShape.openapi('ReviewState');
export const joinedAnnotator = reviewStateShape.extend({ token: z.string() }).openapi('JoinedAnnotator');

export const reviewInfo = z
  .object({
    reasons: z.array(z.object({ id: z.string(), label: z.string() })),
    candidates: z.int(),
  })
  .openapi('ReviewInfo');

export type RatingStateBody = z.infer<typeof ratingState>;
export type RatingProtocolBody = z.infer<typeof ratingProtocol>;
export type ReviewStateBody = z.infer<typeof reviewState>;
export type ReviewInfoBody = z.infer<typeof reviewInfo>;
