/**
 * @module
 * `GET /metrics` in Prometheus' text format.
 */
import { z } from '@hono/zod-openapi';
import type { App, PanelContext } from '../http/context.js';
import { addGet } from '../http/route.js';

export function addMetricsRoute(app: App, context: PanelContext): void {
  const { registry } = context.metrics;
  addGet(
    app,
    {
      path: '/metrics',
      summary: 'Prometheus metrics',
      tag: 'system',
      responses: { 200: { description: 'All metrics.', content: { 'text/plain': z.string() } } },
    },
    async (c) => c.body(await registry.metrics(), 200, { 'content-type': registry.contentType }),
  );
}
