/**
 * @module
 * `/api/review/…`: people accept or reject candidate pairs and write their instructions.
 */
import { z } from '@hono/zod-openapi';
import { invalidField } from '../errors.js';
import type { App } from '../http/context.js';
import { addGet, addJsonPost } from '../http/route.js';
import { validate } from '../http/validate.js';
import { asking } from './errors.js';
import { png, sendPicture } from './picture.js';
import {
  annotatorBody,
  decisionBody,
  joinBody,
  joinedAnnotator,
  maxPeopleBodyBytes,
  type ReviewStateBody,
  reviewInfo,
  reviewState,
} from './schema.js';
import type { GivenDecision, ReviewSource, ReviewState } from './sources.js';

const tag = 'people';
const json = (schema: z.ZodType, description: string) => ({
  200: { description, content: { 'application/json': schema } },
});
const stateQuery = z.object({
  annotator: z.string({ error: 'must be given' }).min(1),
  after: z.string().optional().openapi({ description: 'A candidate that is put off.' }),
});
const pictureParams = z.object({ id: z.string(), which: z.enum(['input', 'output']) });

export function addReviewRoutes(app: App, source: ReviewSource): void {
  const state = json(reviewState, 'Where the annotator is now.');
  const post = { tag, maxBodyBytes: maxPeopleBodyBytes };

  addGet(
    app,
    {
      path: '/api/review/info',
      summary: 'What is reviewed, and reasons to reject',
      tag,
      responses: json(reviewInfo, 'The review.'),
    },
    (c) => c.json({ reasons: [...source.reasons], candidates: source.candidates.length }),
  );
  addJsonPost(
    app,
    {
      ...post,
      path: '/api/review/annotators',
      summary: 'Take part, or go on',
      body: joinBody,
      responses: json(joinedAnnotator, 'The token for later calls, and where the annotator is.'),
    },
    async (c, { name, resume }) => {
      const { token } = await asking(() => source.join(name, { resume }));
      return c.json({ token, ...shown(await asking(() => source.state(token))) });
    },
  );
  addGet(
    app,
    {
      path: '/api/review/state',
      summary: 'The candidate to decide now',
      tag,
      query: stateQuery,
      responses: state,
    },
    async (c) => {
      const { annotator, after } = validate(stateQuery, c.req.query());
      return c.json(shown(await asking(() => source.state(annotator, after))));
    },
  );
  addJsonPost(
    app,
    {
      ...post,
      path: '/api/review/decisions',
      summary: 'Accept or reject',
      body: decisionBody,
      responses: state,
    },
    async (c, body) => c.json(shown(await asking(() => source.decide(body.annotator, toDecision(body))))),
  );
  addJsonPost(
    app,
    {
      ...post,
      path: '/api/review/undo',
      summary: 'Take the last decision back',
      body: annotatorBody,
      responses: state,
    },
    async (c, { annotator }) => c.json(shown(await asking(() => source.undo(annotator)))),
  );
  addGet(
    app,
    {
      path: '/api/review/candidates/{id}/{which}',
      summary: 'A picture of a candidate',
      tag,
      params: pictureParams,
      responses: png,
    },
    async (c) => {
      const { id, which } = validate(pictureParams, c.req.param());
      return sendPicture(c, await asking(() => source.picture(id, which, c.req.raw.signal)));
    },
  );
}

function toDecision({
  candidate,
  verdict,
  instruction,
  reason,
}: z.output<typeof decisionBody>): GivenDecision {
  if (verdict === 'accept') {
    if (instruction === undefined) throw invalidField('instruction', "'instruction' is needed to accept.");
    return { candidate, verdict, instruction };
  }
  if (reason === undefined) throw invalidField('reason', "'reason' is needed to reject.");
  return { candidate, verdict, reason };
}

/** Without what only curation needs (paths, scores). */
function shown({ candidate, undone, ...rest }: ReviewState): ReviewStateBody {
  if (candidate === undefined) return { ...rest, ...(undone === undefined ? {} : { undone }) };
  const { id, width, height, clip, firstSeconds, lastSeconds, caption, instruction, remarks } = candidate;
  return {
    ...rest,
    candidate: {
      id,
      width,
      height,
      clip,
      firstSeconds,
      lastSeconds,
      caption,
      instruction,
      remarks: [...remarks],
    },
    ...(undone === undefined ? {} : { undone }),
  };
}
