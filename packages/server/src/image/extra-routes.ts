/**
 * @module
 * `POST /api/images/scene` (a picture to try edits on) and `POST /api/images/recall` (what made a picture).
 */
import { z } from '@hono/zod-openapi';
import type { App, PanelContext } from '../http/context.js';
import { requestAbort } from '../http/request-abort.js';
import { addJsonPost, addPost } from '../http/route.js';
import { validate } from '../http/validate.js';
import { type BodyRules, readImageBody } from './edit-body.js';
import { toBase64 } from './edit-run.js';
import type { ImageSource } from './source.js';

const sceneRequestSchema = z
  .strictObject({
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .openapi({ description: 'Same seed, same scene.' }),
    count: z.int().min(1).max(5).nullish().openapi({ description: 'Objects; default 2 to 5.' }),
    size: z.int().min(16).max(1024).nullish().openapi({ description: 'Side in pixels; default 256.' }),
  })
  .openapi('ImageSceneRequest');

const sceneSchema = z
  .object({
    b64_json: z.string().openapi({ description: 'PNG.' }),
    seed: z
      .int()
      .openapi({ description: 'A seed without room for the objects is counted up; this one had it.' }),
    suggestions: z.array(z.string()).openapi({ description: 'Instructions that fit the picture.' }),
  })
  .openapi('ImageScene');

const recallRequestSchema = z
  .strictObject({ image: z.string().openapi({ description: 'A data: URL or base64.' }) })
  .openapi('ImageRecallRequest');

const recallFormSchema = z
  .object({ image: z.any().openapi({ type: 'string', format: 'binary' }) })
  .openapi('ImageRecallForm');

const recallSchema = z
  .object({
    parameters: z
      .record(z.string(), z.unknown())
      .nullable()
      .openapi({ description: 'null when the picture carries none.' }),
  })
  .openapi('ImageRecall');

export function addExtraImageRoutes(
  app: App,
  context: PanelContext,
  source: ImageSource,
  rules: BodyRules,
): void {
  addJsonPost(
    app,
    {
      path: '/api/images/scene',
      summary: 'Make a picture to try edits on',
      tag: 'images',
      body: sceneRequestSchema,
      maxBodyBytes: context.limits.maxBodyBytes,
      responses: {
        200: { description: 'The picture.', content: { 'application/json': sceneSchema } },
      },
    },
    async (c, { seed, count, size }) => {
      const abort = requestAbort(c.req.raw.signal, context.lifecycle.stopSignal);
      try {
        const scene = await source.scene(
          { seed, size: size ?? 256, ...(count == null ? {} : { count }) },
          abort.signal,
        );
        return c.json({
          b64_json: toBase64(scene.bytes),
          seed: scene.seed,
          suggestions: [...scene.suggestions],
        } satisfies z.infer<typeof sceneSchema>);
      } finally {
        abort.dispose();
      }
    },
  );
  addPost(
    app,
    {
      path: '/api/images/recall',
      summary: 'The parameters that made a picture',
      tag: 'images',
      bodies: { 'multipart/form-data': recallFormSchema, 'application/json': recallRequestSchema },
      responses: {
        200: { description: 'The parameters.', content: { 'application/json': recallSchema } },
      },
    },
    async (c) => {
      const image = await readImageBody(c, rules, (body) => validate(recallRequestSchema, body).image);
      return c.json({ parameters: (await source.recall(image)) ?? null });
    },
  );
}
