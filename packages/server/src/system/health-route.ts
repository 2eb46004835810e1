/**
 * @module
 * `GET /health` for probes: answers without a key, and from the moment the socket is open.
 */
import { z } from '@hono/zod-openapi';
import type { App, PanelContext } from '../http/context.js';
import { addGet } from '../http/route.js';

const healthSchema = z
  .object({
    status: z.enum(['ok', 'loading', 'failed', 'shutting_down']),
    version: z.string(),
    models: z.array(z.string()).openapi({ description: 'Ids of the models that are ready.' }),
    progress: z.object({ loadedBytes: z.number(), totalBytes: z.number() }).optional(),
    reason: z.string().optional(),
  })
  .openapi('Health');

export function addHealthRoute(app: App, context: PanelContext): void {
  const content = { 'application/json': healthSchema };
  addGet(
    app,
    {
      path: '/health',
      summary: 'Is the server ready?',
      tag: 'system',
      open: true,
      responses: {
        200: { description: 'Ready.', content },
        503: { description: 'Loading, failed to load, or shutting down.', content },
      },
    },
    (c) => {
      const state = context.lifecycle.draining
        ? ({ status: 'shutting_down' } as const)
        : context.models.state();
      const body: z.infer<typeof healthSchema> = {
        ...state,
        version: context.version,
        models: context.models.ready().map((engine) => engine.info.id),
      };
      c.header('cache-control', 'no-store');
      if (state.status === 'ok') return c.json(body, 200);
      c.set('isExpected', state.status === 'loading');
      return c.json(body, 503, { 'retry-after': '1' });
    },
  );
}
