import { describe, expect, it } from 'vitest';
import { until } from '../testing/index.js';
import { appWith, chatPath, errorOf, hello, post, recordingLogger } from '../testing/requests.js';

describe('chat completions', () => {
  it('answers in the OpenAI shape', async () => {
    const { app, engine } = appWith();
    const response = await post(app, chatPath, hello);
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
    await post(app, chatPath, hello);
    expect(engine.seen[0]?.request).toEqual({
      messages: [{ role: 'user', content: 'hello there' }],
      maxTokens: 3,
      seed: 0,
    });
    await post(app, chatPath, {
      model: 'fake',
      messages: [
        {
          role: 'system',
          content: [
            { type: 'text', text: 'Be kind.' },
            { type: 'text', text: 'Be brief.' },
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
        { role: 'system', content: 'Be kind.\nBe brief.' },
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

  it('takes the -1 of other servers for a random seed and for all tokens', async () => {
    const { app, engine } = appWith();
    await post(app, chatPath, { ...hello, seed: -1, top_k: -1, top_p: 0 });
    expect(engine.seen[0]?.request).toEqual({
      messages: [{ role: 'user', content: 'hello there' }],
      maxTokens: 3,
      topK: 0,
      topP: 0,
    });
  });

  it('streams chunks, usage and [DONE]', async () => {
    const { app } = appWith();
    const response = await post(app, chatPath, {
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
    const response = await post(app, chatPath, { ...hello, max_tokens: 9, stop: [' three', 'zzz'] });
    expect((await response.json()) as object).toMatchObject({
      choices: [{ message: { content: 'one two' }, finish_reason: 'stop' }],
    });
  });

  it('takes back the message it gave, and values that mean off', async () => {
    const { app } = appWith();
    const { choices } = (await (await post(app, chatPath, hello)).json()) as {
      choices: { message: object }[];
    };
    const response = await post(app, chatPath, {
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
    const response = await post(app, chatPath, { ...hello, user: 'u', metadata: { a: 'b' }, store: true });
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
    const error = await errorOf(await post(app, chatPath, { ...hello, [field]: value }));
    expect(error).toMatchObject({ status: 400, code: 'unsupported_parameter', param: field });
    expect(error.message).toContain(`'${field}'`);
    expect(engine.seen).toEqual([]);
  });

  it.each([
    [{ ...hello, temprature: 1 }, 'unknown_parameter', 'temprature'],
    [{ ...hello, temperature: 3 }, 'invalid_value', 'temperature'],
    [{ ...hello, temperature: 'hot' }, 'invalid_type', 'temperature'],
    [{ ...hello, seed: 1.5 }, 'invalid_type', 'seed'],
    [{ ...hello, seed: -2 }, 'invalid_value', 'seed'],
    [{ ...hello, top_k: -2 }, 'invalid_value', 'top_k'],
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
    expect(await errorOf(await post(app, chatPath, body))).toMatchObject({ status: 400, code, param });
    expect(engine.seen).toEqual([]);
  });

  it('names fields of messages that are not supported yet, up to a point', async () => {
    const { app } = appWith();
    const message = { role: 'assistant', content: 'x', tool_calls: [{}] };
    const messageFor = async (count: number, extra: object = {}) => {
      const messages = Array.from({ length: count }, () => message);
      return (await errorOf(await post(app, chatPath, { messages, ...extra }))).message;
    };
    expect(await messageFor(1, { n: 2 })).toMatch(
      /^'messages\[0\]\.tool_calls' and 'n' are not supported yet/,
    );
    expect(await messageFor(100)).toMatch(/'messages\[19\]\.tool_calls' and 80 more are not supported yet/);
  });

  it('maps engine errors', async () => {
    const long = { messages: [{ role: 'user', content: 'word '.repeat(5000) }] };
    expect(await errorOf(await post(appWith().app, chatPath, long))).toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      param: 'messages',
    });
    const plain = appWith({ info: { hasChatTemplate: false } });
    expect(await errorOf(await post(plain.app, chatPath, { ...hello, stream: true }))).toMatchObject({
      status: 400,
      code: 'no_chat_template',
    });
    const full = appWith({ maxRunning: 0 });
    const refused = await post(full.app, chatPath, hello);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await errorOf(refused)).toMatchObject({ status: 503, code: 'overloaded' });
  });

  it('hides the details of an unexpected failure from the client, but not from the log', async () => {
    const lines: string[] = [];
    const logger = { ...recordingLogger(lines) };
    const { app } = appWith({ failure: { afterTokens: 1, error: new Error('secret path') } }, { logger });
    const error = await errorOf(await post(app, chatPath, hello));
    expect(error).toMatchObject({ status: 500, code: 'internal_error' });
    expect(error.message).not.toContain('secret');
    expect(lines.join('\n')).toContain('secret path');
  });

  it('reports a failure in mid-stream as a last event', async () => {
    const { app } = appWith({ failure: { afterTokens: 2, error: new Error('boom') } });
    const text = await (await post(app, chatPath, { ...hello, stream: true })).text();
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
    const text = await (await post(app, chatPath, { ...hello, stream: true })).text();
    expect(text).toMatch(/^: ping\n\n/);
    expect(text).toContain('[DONE]');
  });

  it('treats a client that stops reading as gone', async () => {
    const { app, engine } = appWith({}, { limits: { stallTimeoutMs: 40, pingIntervalMs: 20 } });
    const response = await post(app, chatPath, { ...hello, max_tokens: 1000, stream: true });
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
    await (await post(app, chatPath, { ...hello, stream: true })).text();
    await post(app, '/v1/completions', { prompt: ['a', 'b c'], max_tokens: 2 });
    await until(() => lines.length === 2);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { message: 'request', path: chatPath, status: 200, prompt_tokens: 3, completion_tokens: 3 },
      { path: '/v1/completions', prompt_tokens: 3, completion_tokens: 4 },
    ]);
  });

  it('logs no prompt or completion text', async () => {
    const lines: string[] = [];
    const { app } = appWith({}, { logger: recordingLogger(lines) });
    await post(app, chatPath, { ...hello, messages: [{ role: 'user', content: 'TOPSECRET' }] });
    await post(app, chatPath, { ...hello, TOPSECRET: 1, messages: [{ role: 'TOPSECRET' }] });
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join('\n')).not.toMatch(/TOPSECRET|one two/);
  });
});

async function drain(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<void> {
  while (reader !== undefined && !(await reader.read()).done);
}
