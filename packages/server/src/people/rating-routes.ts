/**
 * @module
 * `/api/rate/…`: people rate outputs of models they are not told.
 */
import { z } from '@hono/zod-openapi';
import type { App } from '../http/context.js';
import { addGet, addJsonPost } from '../http/route.js';
import { validate } from '../http/validate.js';
import { asking } from './errors.js';
import { png, sendPicture } from './picture.js';
import {
  joinBody,
  joinedRater,
  maxPeopleBodyBytes,
  raterBody,
  ratingBody,
  ratingProtocol,
  ratingState,
} from './schema.js';
import type { RatingSource } from './sources.js';

const tag = 'people';
const json = (schema: z.ZodType, description: string) => ({
  200: { description, content: { 'application/json': schema } },
});
const stateQuery = z.object({ rater: z.string({ error: 'must be given' }).min(1) });
const pictureParams = z.object({ id: z.string(), which: z.enum(['source', 'output']) });
const exampleParams = z.object({ index: z.coerce.number().int(), which: z.enum(['source', 'output']) });

export function addRatingRoutes(app: App, source: RatingSource): void {
  const state = json(ratingState, 'Where the rater is now.');
  const post = { tag, maxBodyBytes: maxPeopleBodyBytes };

  addGet(
    app,
    {
      path: '/api/rate/protocol',
      summary: 'What raters are asked, with examples',
      tag,
      responses: json(ratingProtocol, 'The protocol.'),
    },
    (c) => {
      const { protocol, examples, trials } = source;
      const shown = examples.map(({ instruction, score, reason }) => ({ instruction, score, reason }));
      const { question, levels, rules } = protocol;
      return c.json({ question, levels: [...levels], rules: [...rules], examples: shown, trials });
    },
  );
  addGet(
    app,
    {
      path: '/api/rate/examples/{index}/{which}',
      summary: 'A picture of an example',
      tag,
      params: exampleParams,
      responses: png,
    },
    async (c) => {
      const { index, which } = validate(exampleParams, c.req.param());
      return sendPicture(c, await asking(() => source.examplePicture(index, which)));
    },
  );
  addJsonPost(
    app,
    {
      ...post,
      path: '/api/rate/raters',
      summary: 'Take part, or go on',
      body: joinBody,
      responses: json(joinedRater, 'The token for later calls, and where the rater is.'),
    },
    async (c, { name, resume }) => {
      const { token } = await asking(() => source.join(name, { resume }));
      return c.json({ token, ...(await asking(() => source.state(token))) });
    },
  );
  addGet(
    app,
    { path: '/api/rate/state', summary: 'The trial to rate now', tag, query: stateQuery, responses: state },
    async (c) => {
      const { rater } = validate(stateQuery, c.req.query());
      return c.json(await asking(() => source.state(rater)));
    },
  );
  addJsonPost(
    app,
    { ...post, path: '/api/rate/ratings', summary: 'Rate the trial', body: ratingBody, responses: state },
    async (c, { rater, ...rating }) => c.json(await asking(() => source.rate(rater, rating))),
  );
  addJsonPost(
    app,
    {
      ...post,
      path: '/api/rate/undo',
      summary: 'Take the last rating back',
      body: raterBody,
      responses: state,
    },
    async (c, { rater }) => c.json(await asking(() => source.undo(rater))),
  );
  addGet(
    app,
    {
      path: '/api/rate/trials/{id}/{which}',
      summary: 'A picture of a trial',
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
