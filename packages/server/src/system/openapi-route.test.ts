import { expect, it } from 'vitest';
import { createApp } from '../app.js';
import { FakeEngine, FakeImageSource, fakePeople } from '../testing/index.js';

interface Document {
  openapi: string;
  info: { version: string };
  paths: Record<string, Record<string, { responses: Record<string, unknown>; security?: unknown[] }>>;
  components: { schemas: Record<string, { properties: object }> };
}

const app = createApp({ engines: [new FakeEngine()], images: new FakeImageSource(), people: fakePeople() });
const read = async () => (await (await app.request('/openapi.json')).json()) as Document;

it('is the reviewed document', async () => {
  const document = await read();
  // The version changes with each release; everything else needs a look when it changes (vitest -u).
  document.info.version = '0.0.0';
  await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot('../../fixtures/openapi.json');
});

it('has every route of the app, and the app every route of it', async () => {
  const { paths } = await read();
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  );
  const routed = app.routes
    .filter((route) => route.method !== 'ALL' && route.path !== '/openapi.json')
    .map((route) => `${route.method} ${route.path}`);
  expect(documented.sort()).toEqual([...new Set(routed)].sort());
});

it('describes the fields that validation accepts', async () => {
  const { components, paths } = await read();
  expect(Object.keys(components.schemas.ChatCompletionRequest?.properties ?? {})).toContain(
    'repetition_penalty',
  );
  expect(Object.keys(components.schemas.CompletionRequest?.properties ?? {})).toContain('echo');
  expect(paths['/health']?.get?.security).toEqual([]);
});
