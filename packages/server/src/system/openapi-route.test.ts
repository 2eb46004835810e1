import { expect, it } from 'vitest';
import { createApp } from '../app.js';
import { FakeEngine, FakeImageSource, fakePeople } from '../testing/index.js';
import { chatPath, hello, post } from '../testing/requests.js';

/** What the document says of a field that is accepted only when it is off. */
interface FieldSchema {
  type?: string;
  enum?: unknown[];
}

interface Document {
  openapi: string;
  info: { version: string };
  paths: Record<string, Record<string, { responses: Record<string, unknown>; security?: unknown[] }>>;
  components: { schemas: Record<string, { properties: Record<string, FieldSchema> }> };
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

it.each([
  ['ChatCompletionRequest', chatPath, { ...hello, max_tokens: 1 }],
  ['CompletionRequest', '/v1/completions', { prompt: 'a', max_tokens: 1 }],
])('documents for %s the values that are accepted of fields not supported yet', async (name, path, body) => {
  const { properties } = (await read()).components.schemas[name] ?? { properties: {} };
  const status = async (fields: object) => (await post(app, path, { ...body, ...fields })).status;
  const documented = Object.entries(properties).flatMap(([field, schema]) => {
    if (schema.type === 'null') return [{ field, values: [null] }];
    return schema.enum?.[0] === null ? [{ field, values: schema.enum }] : [];
  });
  expect(documented.length).toBeGreaterThan(4);
  for (const { field, values } of documented) {
    for (const value of values) expect(await status({ [field]: value }), field).toBe(200);
    // In no list of values that are off.
    for (const value of [2, true, 'x', ['x'], { x: 1 }]) {
      expect(await status({ [field]: value }), field).toBe(400);
    }
  }
});

it('documents the values that the official client sends for what is off', async () => {
  const { schemas } = (await read()).components;
  const off = {
    ChatCompletionRequest: { n: 1, logprobs: false, top_logprobs: 0, logit_bias: {}, tools: [] },
    CompletionRequest: { n: 1, best_of: 1, logit_bias: {}, suffix: '' },
  };
  for (const [name, fields] of Object.entries(off)) {
    for (const [field, value] of Object.entries(fields)) {
      expect(schemas[name]?.properties[field]?.enum, field).toContainEqual(value);
    }
  }
  expect(schemas.ChatCompletionRequest?.properties.response_format?.enum).toEqual([null, { type: 'text' }]);
});
