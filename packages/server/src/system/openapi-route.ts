/**
 * @module
 * `GET /openapi.json`: the document of every route that was added before.
 */
import type { App, PanelContext } from '../http/context.js';

export function addOpenApiRoute(app: App, context: Pick<PanelContext, 'version'>): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', { type: 'http', scheme: 'bearer' });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Triptych',
      version: context.version,
      description: 'Generative inference on one\u2019s own machine, in the shape of the OpenAI API.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    security: [{ apiKey: [] }],
  });
  app.get('/openapi.json', (c) => c.json(document));
}
