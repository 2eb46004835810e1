import { describe, expect, it } from 'vitest';
import { createApp } from './app.js';
import { FakeEngine, until } from './testing/index.js';
import { appWith, chatPath, errorOf, hello, post } from './testing/requests.js';

describe('routes', () => {
  it('lists and describes models', async () => {
    const { app } = appWith();
    const model = { id: 'fake', object: 'model', owned_by: 'triptych', max_model_len: 2048 };
    expect(await (await app.request('/v1/models')).json()).toMatchObject({ object: 'list', data: [model] });
    expect(await (await app.request('/v1/models/fake')).json()).toMatchObject(model);
    const error = await errorOf(await app.request('/v1/models/other'));
    expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    for (const model of [null, '', 'fake'])
      expect((await post(app, chatPath, { ...hello, model })).status).toBe(200);
    const unknown = await errorOf(await post(app, chatPath, { ...hello, model: 'other' }));
    expect(unknown).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
  });

  it('says what the model can do', async () => {
    const info = async (hasChatTemplate: boolean) =>
      (await appWith({ info: { hasChatTemplate } }).app.request('/api/info')).json();
    expect(await info(true)).toMatchObject({
      id: 'fake',
      capabilities: ['chat', 'completion'],
      models: ['fake'],
    });
    expect(await info(true)).toMatchObject({ samplingDefaults: { temperature: 0.8, topP: 0.95 } });
    expect(await info(false)).toMatchObject({ capabilities: ['completion'] });
  });

  it('answers 404 and 405 in the OpenAI shape', async () => {
    const { app } = appWith();
    expect(await errorOf(await app.request('/v1/nothing'))).toMatchObject({ status: 404, code: 'not_found' });
    const response = await app.request(chatPath);
    expect(response.headers.get('allow')).toBe('POST');
    expect(await errorOf(response)).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect((await app.request('/health', { method: 'DELETE' })).status).toBe(405);
    expect((await app.request('/health', { method: 'HEAD' })).status).toBe(200);
  });

  it('shows memory once and as it changes', async () => {
    const { app, engine } = appWith({ tokenDelayMs: 20 });
    expect(await (await app.request('/api/memory')).json()).toEqual(
      JSON.parse(JSON.stringify(engine.memory())),
    );
    const response = await app.request('/api/memory/stream?interval_ms=100');
    const reader = response.body?.getReader();
    const next = async () => JSON.parse(new TextDecoder().decode((await reader?.read())?.value).slice(6));
    expect((await next()).neededBytes).toBe(0);
    const running = post(app, chatPath, { ...hello, max_tokens: 20 });
    expect((await next()).neededBytes).toBeGreaterThan(0);
    await reader?.cancel();
    await running;
    expect(await errorOf(await app.request('/api/memory/stream?interval_ms=1'))).toMatchObject({
      status: 400,
      param: 'interval_ms',
    });
  });

  it('bounds the number of memory streams', async () => {
    const { app } = appWith({}, { limits: { maxMemoryStreams: 1 } });
    const first = await app.request('/api/memory/stream');
    expect(await errorOf(await app.request('/api/memory/stream'))).toMatchObject({ status: 503 });
    await first.body?.cancel();
    const again = await app.request('/api/memory/stream');
    expect(again.status).toBe(200);
    await again.body?.cancel();
  });
});

describe('loading', () => {
  it('opens early, says 503 while loading and 200 after', async () => {
    let ready: (engine: FakeEngine) => void = () => undefined;
    const loading = new Promise<FakeEngine>((resolve) => {
      ready = resolve;
    });
    const app = createApp({ engines: [{ loading, progress: () => ({ loadedBytes: 1, totalBytes: 4 }) }] });
    const health = await app.request('/health');
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({
      status: 'loading',
      progress: { loadedBytes: 1, totalBytes: 4 },
    });
    for (const path of ['/v1/models', '/api/info', '/api/memory']) {
      expect(await errorOf(await app.request(path))).toMatchObject({ status: 503, code: 'model_loading' });
    }
    expect((await app.request('/metrics')).status).toBe(200);
    ready(new FakeEngine());
    await loading;
    await until(async () => (await app.request('/health')).status === 200);
    expect(await (await app.request('/health')).json()).toMatchObject({ status: 'ok', models: ['fake'] });
  });

  it('says when loading failed', async () => {
    const app = createApp({ engines: [{ loading: Promise.reject(new Error('no such file')) }] });
    await until(
      async () => ((await (await app.request('/health')).json()) as { status: string }).status === 'failed',
    );
    expect((await app.request('/health')).status).toBe(503);
    expect(await errorOf(await app.request('/v1/models'))).toMatchObject({
      status: 503,
      code: 'model_failed',
    });
  });
});

describe('access', () => {
  it('asks for a key where it matters, and takes any of several', async () => {
    const { app } = appWith({}, { apiKeys: ['alpha', 'beta'] });
    const status = async (path: string, authorization?: string) =>
      (await app.request(path, authorization === undefined ? {} : { headers: { authorization } })).status;
    for (const path of ['/v1/models', '/api/info', '/api/memory', '/metrics', '/v1/nothing']) {
      expect(await status(path)).toBe(401);
    }
    for (const wrong of ['Bearer gamma', 'Bearer ', 'alpha', 'Basic alpha', 'Bearer alpha beta']) {
      expect(await status('/v1/models', wrong)).toBe(401);
    }
    expect(await status('/v1/models', 'Bearer alpha')).toBe(200);
    expect(await status('/v1/models', 'bearer beta')).toBe(200);
    expect(await status('/health')).toBe(200);
    expect(await errorOf(await app.request('/v1/models'))).toMatchObject({ code: 'missing_api_key' });
    expect(() => createApp({ engines: [], apiKeys: [''] })).toThrow(TypeError);
  });

  it('gives no cross-origin access by default, and only to listed origins', async () => {
    const preflight = {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
    };
    const closed = await appWith().app.request(chatPath, preflight);
    expect(closed.headers.get('access-control-allow-origin')).toBeNull();
    const { app } = appWith({}, { cors: { origins: ['https://a.example'] }, apiKeys: ['k'] });
    const open = await app.request(chatPath, preflight);
    expect(open.status).toBe(204);
    expect(open.headers.get('access-control-allow-origin')).toBe('https://a.example');
    const asked = 'authorization,content-type,x-stainless-os';
    const headers = { ...preflight.headers, 'access-control-request-headers': asked };
    const openai = await app.request(chatPath, { ...preflight, headers });
    expect(openai.headers.get('access-control-allow-headers')?.replaceAll(' ', '')).toBe(asked);
    const other = await app.request('/health', { headers: { origin: 'https://b.example' } });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('refuses foreign Host names', async () => {
    const { app } = appWith({}, { allowedHosts: ['localhost', '[::1]'] });
    const status = async (host: string) => (await app.request('/health', { headers: { host } })).status;
    for (const host of ['localhost', 'LOCALHOST:8080', '[::1]:1']) expect(await status(host)).toBe(200);
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1', ''])
      expect(await status(host)).toBe(403);
  });

  it('keeps a harmless request id and replaces others', async () => {
    const { app } = appWith();
    const idFor = async (id: string) =>
      (await app.request('/health', { headers: { 'x-request-id': id } })).headers.get('x-request-id');
    expect(await idFor('abc-1')).toBe('abc-1');
    expect(await idFor('a b')).toMatch(/^req_/);
  });
});
