/**
 * @module
 * `GET /api/panels`: which panels this server has, so that a page shows no more than those.
 */
import { z } from '@hono/zod-openapi';
import type { App } from '../http/context.js';
import { addGet } from '../http/route.js';

const panelsSchema = z
  .object({
    text: z.boolean().openapi({ description: 'There is a text model, perhaps still loading.' }),
    rate: z.boolean().openapi({ description: 'People can rate edits.' }),
    review: z.boolean().openapi({ description: 'People can review candidate pairs.' }),
  })
  .openapi('Panels');

/** The answer of `GET /api/panels`. */
export type PanelsResponse = z.infer<typeof panelsSchema>;

export function addPanelsRoute(app: App, panels: PanelsResponse): void {
  addGet(
    app,
    {
      path: '/api/panels',
      summary: 'Which panels this server has',
      tag: 'system',
      responses: { 200: { description: 'The panels.', content: { 'application/json': panelsSchema } } },
    },
    (c) => c.json(panels),
  );
}
