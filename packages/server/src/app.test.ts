import { describe, expect, it } from 'vitest';
import { type AppOptions, createApp } from './app.js';
import type { App } from './http/context.js';
import { FakeEngine, type FakeEngineOptions, until } from './testing/index.js';

function appWith(engineOptions: FakeEngineOptions = {}, options: Partial<AppOptions> = {}) {
  const engine = new FakeEngine(engineOptions);
  return { engine, app: createApp({ engines: [engine], ...options }) };
}

function post(app: App, path: string, body: unknown, headers: Record<string, string> = {}) {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  return app.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: isRaw ? (body as string) : JSON.stringify(body),
  });
}

const chat = '/v1/chat/completions';
const hello = { messages: [{ role: 'user', content: 'hello there' }], max_tokens: 3, seed: 0 };

async function errorOf(
  response: Response,
): Promise<{ status: number; code: string; param: string | null; message: string }> {
  const { error } = (await response.json()) as {
    error: { code: string; param: string | null; message: string };
  };
  return { status: response.status, ...error };
}

describe('chat completions', () => {
  it('answers in the OpenAI shape', async () => {
    const { app, engine } = appWith();
    const response = await post(app, chat, hello);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
    expect(await response.json()).toMatchObject({
      object: 'chat.completion',
      model: 'fake',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'one two three', refusal: null },
          logprobs: null,
          finish_reason: 'length',
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 },
    });
    expect(engine.running).toBe(0);
  });

  it('hands every sampling field to the engine, and nothing that was left out', async () => {
    const { app, engine } = appWith();
    await post(app, chat, hello);
    expect(engine.seen[0]?.request).toEqual({
      messages: [{ role: 'user', content: 'hello there' }],
      maxTokens: 3,
      seed: 0,
    });
    await post(app, chat, {
      model: 'fake',
      messages: [
        {
          role: 'system',
          content: [
            { type: 'text', text: 'Be ' },
            { type: 'text', text: 'kind.' },
          ],
        },
        { role: 'user', content: 'hi', name: 'ann' },
      ],
      max_completion_tokens: 2,
      temperature: 0,
      top_p: 0.5,
      top_k: 7,
      min_p: 0.1,
      repetition_penalty: 1.1,
      presence_penalty: -1,
      frequency_penalty: 0.5,
      seed: 3,
      stop: 'x',
      ignore_eos: true,
    });
    expect(engine.seen[1]?.request).toEqual({
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'hi', name: 'ann' },
      ],
      maxTokens: 2,
      temperature: 0,
      topP: 0.5,
      topK: 7,
      minP: 0.1,
      repetitionPenalty: 1.1,
      presencePenalty: -1,
      frequencyPenalty: 0.5,
      seed: 3,
      stop: ['x'],
      ignoreEos: true,
    });
  });

  it('streams chunks, usage and [DONE]', async () => {
    const { app } = appWith();
    const response = await post(app, chat, {
      ...hello,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = (await response.text()).trimEnd().split('\n\n');
    expect(events.at(-1)).toBe('data: [DONE]');
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)));
    expect(chunks.map((chunk) => chunk.choices[0]?.delta)).toEqual([
      { role: 'assistant', content: '' },
      { content: 'one' },
      { content: ' two' },
      { content: ' three' },
      {},
      undefined,
    ]);
    expect(chunks[4].choices[0].finish_reason).toBe('length');
    expect(chunks.map((chunk) => chunk.usage)).toEqual([
      null,
      null,
      null,
      null,
      null,
      { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 },
    ]);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
  });

  it('ends before a stop string', async () => {
    const { app } = appWith();
    const response = await post(app, chat, { ...hello, max_tokens: 9, stop: [' three', 'zzz'] });
    expect((await response.json()) as object).toMatchObject({
      choices: [{ message: { content: 'one two' }, finish_reason: 'stop' }],
    });
  });

  it('takes back the message it gave, and values that mean off', async () => {
    const { app } = appWith();
    const { choices } = (await (await post(app, chat, hello)).json()) as { choices: { message: object }[] };
    const response = await post(app, chat, {
      messages: [{ role: 'user', content: 'a' }, choices[0]?.message, { role: 'user', content: 'b' }],
      max_tokens: 1,
      n: 1,
      logprobs: false,
      top_logprobs: null,
      response_format: { type: 'text' },
      tools: [],
      tool_choice: 'auto',
      logit_bias: {},
      stop: null,
      modalities: ['text'],
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-triptych-ignored')).toBeNull();
  });

  it('ignores harmless fields and says which', async () => {
    const { app } = appWith();
    const response = await post(app, chat, { ...hello, user: 'u', metadata: { a: 'b' }, store: true });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-triptych-ignored')).toBe('user, store, metadata');
  });

  it.each([
    ['n', 2],
    ['n', 0],
    ['logprobs', true],
    ['top_logprobs', 3],
    ['logit_bias', { 5: 1 }],
    ['tools', [{ type: 'function' }]],
    ['tool_choice', 'required'],
    ['functions', [{}]],
    ['function_call', { name: 'f' }],
    ['response_format', { type: 'json_object' }],
    ['modalities', ['text', 'audio']],
    ['audio', { voice: 'x' }],
    ['prediction', {}],
    ['reasoning_effort', 'high'],
    ['web_search_options', {}],
  ])('refuses %s = %j by name', async (field, value) => {
    const { app, engine } = appWith();
    const error = await errorOf(await post(app, chat, { ...hello, [field]: value }));
    expect(error).toMatchObject({ status: 400, code: 'unsupported_parameter', param: field });
    expect(error.message).toContain(`'${field}'`);
    expect(engine.seen).toEqual([]);
  });

  it.each([
    [{ ...hello, temprature: 1 }, 'unknown_parameter', 'temprature'],
    [{ ...hello, temperature: 3 }, 'invalid_value', 'temperature'],
    [{ ...hello, temperature: 'hot' }, 'invalid_type', 'temperature'],
    [{ ...hello, seed: 1.5 }, 'invalid_type', 'seed'],
    [{ ...hello, seed: -1 }, 'invalid_value', 'seed'],
    [{ ...hello, seed: 1e300 }, 'invalid_value', 'seed'],
    [{ ...hello, max_tokens: 0 }, 'invalid_value', 'max_tokens'],
    [{ ...hello, max_completion_tokens: 5 }, 'invalid_value', 'max_tokens'],
    [{ ...hello, stop: Array.from({ length: 17 }, () => 'a') }, 'invalid_value', 'stop'],
    [{ ...hello, stop: [''] }, 'invalid_value', 'stop[0]'],
    [{ ...hello, stream_options: { include_usage: true } }, 'invalid_value', 'stream_options'],
    [{ ...hello, stream: true, stream_options: { x: 1 } }, 'unknown_parameter', 'stream_options.x'],
    [{ messages: [] }, 'invalid_value', 'messages'],
    [{ messages: 'hi' }, 'invalid_value', 'messages'],
    [{}, 'invalid_value', 'messages'],
    [{ messages: [{ role: 'tool', content: 'x', tool_call_id: '1' }] }, 'invalid_value', 'messages[0].role'],
    [{ messages: [{ role: 'user' }] }, 'invalid_value', 'messages[0].content'],
    [{ messages: [{ role: 'user', content: '\ud800' }] }, 'invalid_text', 'messages[0].content'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] },
      'invalid_value',
      'messages[0].content[0].type',
    ],
    [
      { messages: [{ role: 'assistant', content: 'x', tool_calls: [{}] }] },
      'unsupported_parameter',
      'messages[0].tool_calls',
    ],
    [[], 'invalid_type', null],
    ['null', 'invalid_type', null],
  ])('names what is wrong: %j', async (body, code, param) => {
    const { app, engine } = appWith();
    expect(await errorOf(await post(app, chat, body))).toMatchObject({ status: 400, code, param });
    expect(engine.seen).toEqual([]);
  });

  it('maps engine errors', async () => {
    const long = { messages: [{ role: 'user', content: 'word '.repeat(5000) }] };
    expect(await errorOf(await post(appWith().app, chat, long))).toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      param: 'messages',
    });
    const plain = appWith({ info: { hasChatTemplate: false } });
    expect(await errorOf(await post(plain.app, chat, { ...hello, stream: true }))).toMatchObject({
      status: 400,
      code: 'no_chat_template',
    });
    const full = appWith({ maxRunning: 0 });
    const refused = await post(full.app, chat, hello);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await errorOf(refused)).toMatchObject({ status: 503, code: 'overloaded' });
  });

  it('hides the details of an unexpected failure from the client, but not from the log', async () => {
    const lines: string[] = [];
    const logger = { ...recordingLogger(lines) };
    const { app } = appWith({ failure: { afterTokens: 1, error: new Error('secret path') } }, { logger });
    const error = await errorOf(await post(app, chat, hello));
    expect(error).toMatchObject({ status: 500, code: 'internal_error' });
    expect(error.message).not.toContain('secret');
    expect(lines.join('\n')).toContain('secret path');
  });

  it('reports a failure in mid-stream as a last event', async () => {
    const { app } = appWith({ failure: { afterTokens: 2, error: new Error('boom') } });
    const text = await (await post(app, chat, { ...hello, stream: true })).text();
    const events = text.trimEnd().split('\n\n');
    expect(JSON.parse(events.at(-1)?.slice('data: '.length) ?? '')).toMatchObject({
      error: { code: 'internal_error' },
    });
    expect(text).not.toContain('[DONE]');
  });

  it('keeps an idle stream open with comments', async () => {
    const { app } = appWith(
      { queueDelayMs: 120 },
      { limits: { pingIntervalMs: 20, streamHeadersAfterMs: 10 } },
    );
    const text = await (await post(app, chat, { ...hello, stream: true })).text();
    expect(text).toMatch(/^: ping\n\n/);
    expect(text).toContain('[DONE]');
  });

  it('treats a client that stops reading as gone', async () => {
    const { app, engine } = appWith({}, { limits: { stallTimeoutMs: 40, pingIntervalMs: 20 } });
    const response = await post(app, chat, { ...hello, max_tokens: 1000, stream: true });
    const reader = response.body?.getReader();
    await reader?.read();
    await until(() => engine.seen[0]?.aborted === true);
    // Until then the engine was asked only for what had room.
    expect(engine.stats().generatedTokensTotal).toBeLessThan(10);
    await expect(drain(reader)).rejects.toThrow('stopped reading');
    expect(engine.running).toBe(0);
  });

  it('logs token counts, of streams too', async () => {
    const lines: string[] = [];
    const { app } = appWith({}, { logger: recordingLogger(lines) });
    await (await post(app, chat, { ...hello, stream: true })).text();
    await post(app, '/v1/completions', { prompt: ['a', 'b c'], max_tokens: 2 });
    await until(() => lines.length === 2);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { message: 'request', path: chat, status: 200, prompt_tokens: 3, completion_tokens: 3 },
      { path: '/v1/completions', prompt_tokens: 3, completion_tokens: 4 },
    ]);
  });

  it('logs no prompt or completion text', async () => {
    const lines: string[] = [];
    const { app } = appWith({}, { logger: recordingLogger(lines) });
    await post(app, chat, { ...hello, messages: [{ role: 'user', content: 'TOPSECRET' }] });
    await post(app, chat, { ...hello, TOPSECRET: 1, messages: [{ role: 'TOPSECRET' }] });
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join('\n')).not.toMatch(/TOPSECRET|one two/);
  });
});

describe('completions', () => {
  const path = '/v1/completions';

  it('takes a string, strings, token ids and lists of token ids', async () => {
    const { app, engine } = appWith();
    for (const prompt of ['a b', ['a b', 'c'], [1, 2, 3], [[1, 2], [3]]]) {
      expect((await post(app, path, { prompt, max_tokens: 1 })).status).toBe(200);
    }
    expect(engine.seen.map((seen) => seen.request.prompt)).toEqual([
      'a b',
      'a b',
      'c',
      [1, 2, 3],
      [1, 2],
      [3],
    ]);
  });

  it('gives one choice per prompt, with echo, 16 tokens by default and the sum of usage', async () => {
    const { app } = appWith();
    const response = await post(app, path, { prompt: ['a b ', 'c '], echo: true, seed: 0 });
    const body = (await response.json()) as { choices: { text: string; index: number }[]; usage: object };
    expect(body.choices.map((choice) => choice.index)).toEqual([0, 1]);
    expect(body.choices[0]?.text).toMatch(/^a b one two /);
    expect(body.choices[1]?.text).toMatch(/^c one two /);
    expect(body.usage).toEqual({ prompt_tokens: 3, completion_tokens: 32, total_tokens: 35 });
  });

  it('interleaves streamed choices', async () => {
    const { app } = appWith();
    const body = {
      prompt: ['a', 'b'],
      max_tokens: 2,
      seed: 0,
      stream: true,
      stream_options: { include_usage: true },
    };
    const events = (await (await post(app, path, body)).text()).trimEnd().split('\n\n');
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice(6)));
    for (const index of [0, 1]) {
      const mine = chunks.flatMap((chunk) => chunk.choices).filter((choice) => choice.index === index);
      expect(mine.map((choice) => choice.text).join('')).toBe('one two');
      expect(mine.at(-1).finish_reason).toBe('length');
    }
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 4 } });
  });

  it.each([
    [{ prompt: '' }, 'invalid_value', 'prompt'],
    [{}, 'invalid_value', 'prompt'],
    [{ prompt: [] }, 'invalid_value', 'prompt'],
    [{ prompt: [1, 'a'] }, 'invalid_value', 'prompt'],
    [{ prompt: [-1] }, 'invalid_value', 'prompt'],
    [{ prompt: [99999] }, 'invalid_value', 'prompt'],
    [{ prompt: [[]] }, 'invalid_value', 'prompt'],
    [{ prompt: 'a\udc00' }, 'invalid_value', 'prompt'],
    [{ prompt: Array.from({ length: 65 }, () => 'a') }, 'invalid_value', 'prompt'],
    [{ prompt: [1], echo: true }, 'unsupported_parameter', 'echo'],
    [{ prompt: 'a', suffix: 'b' }, 'unsupported_parameter', 'suffix'],
    [{ prompt: 'a', best_of: 2 }, 'unsupported_parameter', 'best_of'],
    [{ prompt: 'a', logprobs: 0 }, 'unsupported_parameter', 'logprobs'],
    [{ prompt: 'a', messages: [] }, 'unknown_parameter', 'messages'],
  ])('names what is wrong: %j', async (body, code, param) => {
    const { app } = appWith();
    expect(await errorOf(await post(app, path, body))).toMatchObject({ status: 400, code, param });
  });

  it.each([false, true])('stops the other prompts when one fails (stream: %s)', async (stream) => {
    const { app, engine } = appWith({ tokenDelayMs: 5 });
    const prompt = ['a', 'word '.repeat(5000)];
    const response = await post(app, path, { prompt, max_tokens: 1000, stream });
    expect(await errorOf(response)).toMatchObject({ status: 400, code: 'context_length_exceeded' });
    await until(() => engine.running === 0);
    expect(engine.stats().finishedTotal).toMatchObject({ abort: 1, length: 0, stop: 0 });
  });

  it('does not choke on a body full of numbers', async () => {
    const { app } = appWith();
    const numbers = `[${'1,'.repeat(1_500_000)}1]`;
    for (const field of ['prompt', 'stop']) {
      const response = await post(app, path, `{"prompt":"a","${field}":${numbers}}`);
      expect(response.status).toBe(400);
    }
    expect((await post(app, chat, `{"messages":${numbers}}`)).status).toBe(400);
  });
});

describe('bodies', () => {
  it('checks type, size, encoding and syntax', async () => {
    const { app } = appWith({}, { limits: { maxBodyBytes: 1000 } });
    const cases: [Promise<Response> | Response, number, string][] = [
      [post(app, chat, hello, { 'content-type': 'text/plain' }), 415, 'unsupported_media_type'],
      [
        post(app, chat, hello, { 'content-type': 'application/json; charset=latin1' }),
        415,
        'unsupported_media_type',
      ],
      [post(app, chat, 'x'.repeat(1001)), 413, 'body_too_large'],
      [post(app, chat, '{"a":'), 400, 'invalid_json'],
      [post(app, chat, ''), 400, 'empty_body'],
      [post(app, chat, new Uint8Array([0x7b, 0xff, 0x7d])), 400, 'invalid_utf8'],
    ];
    for (const [response, status, code] of cases) {
      expect(await errorOf(await response)).toMatchObject({ status, code });
    }
    expect(
      (await post(app, chat, hello, { 'content-type': 'Application/JSON; charset="UTF-8"' })).status,
    ).toBe(200);
  });

  it('counts bodies that announce no length', async () => {
    const { app } = appWith({}, { limits: { maxBodyBytes: 1000 } });
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 100;
        controller.enqueue(new Uint8Array(100).fill(32));
      },
    });
    const request = new Request(`http://localhost${chat}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
    } as RequestInit);
    expect(await errorOf(await app.request(request))).toMatchObject({ status: 413, code: 'body_too_large' });
    expect(sent).toBeLessThan(2000);
  });
});

describe('routes', () => {
  it('lists and describes models', async () => {
    const { app } = appWith();
    const model = { id: 'fake', object: 'model', owned_by: 'triptych', max_model_len: 2048 };
    expect(await (await app.request('/v1/models')).json()).toMatchObject({ object: 'list', data: [model] });
    expect(await (await app.request('/v1/models/fake')).json()).toMatchObject(model);
    const error = await errorOf(await app.request('/v1/models/other'));
    expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    for (const model of [null, '', 'fake'])
      expect((await post(app, chat, { ...hello, model })).status).toBe(200);
    const unknown = await errorOf(await post(app, chat, { ...hello, model: 'other' }));
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
    const response = await app.request(chat);
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
    const running = post(app, chat, { ...hello, max_tokens: 20 });
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
    const closed = await appWith().app.request(chat, preflight);
    expect(closed.headers.get('access-control-allow-origin')).toBeNull();
    const { app } = appWith({}, { cors: { origins: ['https://a.example'] }, apiKeys: ['k'] });
    const open = await app.request(chat, preflight);
    expect(open.status).toBe(204);
    expect(open.headers.get('access-control-allow-origin')).toBe('https://a.example');
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

function recordingLogger(lines: string[]) {
  const write = (fields: object, message: string): void => {
    lines.push(JSON.stringify({ ...fields, message }));
  };
  const logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  return logger;
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<void> {
  while (reader !== undefined && !(await reader.read()).done);
}
