/**
 * @module
 * `POST /api/images/jobs`, `GET` and `DELETE /api/images/jobs/{id}`.
 */
import { z } from '@hono/zod-openapi';
import { invalidField } from '../errors.js';
import type { App } from '../http/context.js';
import { addDelete, addGet, addPost } from '../http/route.js';
import { type BodyRules, readEditBody, toEditRequest } from './edit-body.js';
import type { EditRunner } from './edit-run.js';
import { editFormSchema, editJsonSchema, jobSchema } from './edit-schema.js';
import type { ImageJobs } from './jobs.js';

export function addJobRoutes(app: App, runner: EditRunner, jobs: ImageJobs, rules: BodyRules): void {
  const reply = (description: string) => ({ description, content: { 'application/json': jobSchema } });
  const params = z.object({ id: z.string() });
  addPost(
    app,
    {
      path: '/api/images/jobs',
      summary: 'Start a long edit',
      tag: 'images',
      bodies: { 'multipart/form-data': editFormSchema, 'application/json': editJsonSchema },
      responses: { 202: reply('Queued; ask for it under its id.') },
    },
    async (c) => {
      runner.queue.assertRoom();
      const body = await readEditBody(c, rules);
      if (body.fields.stream === true)
        throw invalidField('stream', "'stream': a job is asked about, it does not stream; leave it out.");
      const request = toEditRequest(body, await runner.model(body.fields.model));
      return c.json(jobs.start(request), 202);
    },
  );
  addGet(
    app,
    {
      path: '/api/images/jobs/{id}',
      summary: 'How a long edit is doing, with its result at the end',
      tag: 'images',
      params,
      responses: { 200: reply('The job.') },
    },
    (c) => c.json(jobs.get(c.req.param('id') ?? ''), 200, { 'cache-control': 'no-store' }),
  );
  addDelete(
    app,
    {
      path: '/api/images/jobs/{id}',
      summary: 'Cancel a long edit, or forget a finished one',
      tag: 'images',
      params,
      responses: { 200: reply('Its last state.') },
    },
    (c) => c.json(jobs.cancel(c.req.param('id') ?? '')),
  );
}
