import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import OpenAI, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
} from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { ServeError } from './errors.js';
import { type RunningServer, type ServeOptions, serve } from './serve.js';
import { FakeEngine, type FakeEngineOptions, until } from './testing/index.js';

const open: RunningServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close({ deadlineMs: 0 })));
});

async function start(engineOptions: FakeEngineOptions = {}, options: Partial<ServeOptions> = {}) {
  const engine = new FakeEngine(engineOptions);
  const server = await serve({ engines: [engine], port: 0, ...options });
  open.push(server);
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'key', maxRetries: 0 });
  return { engine, server, client };
}

const messages = [{ role: 'user' as const, content: 'hello there' }];

describe('the official client', () => {
  it('chats', async () => {
    const { client } = await start();
    const answer = await client.chat.completions.create({ model: 'fake', messages, max_tokens: 3, seed: 1 });
    expect(answer.choices[0]?.message.content).toBe('two three four');
    expect(answer.choices[0]?.finish_reason).toBe('length');
    expect(answer.usage?.total_tokens).toBe(6);
    expect(answer._request_id).toMatch(/^req_/);
  });

  it('streams a chat with usage', async () => {
    const { client } = await start();
    const stream = await client.chat.completions.create({
      model: 'fake',
      messages,
      max_tokens: 3,
      seed: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe('one two three');
    expect(usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 3 });
  });

  it('runs its own stream helper to the end', async () => {
    const { client } = await start();
    const final = await client.chat.completions
      .stream({ model: 'fake', messages, max_tokens: 2, seed: 0 })
      .finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe('one two');
  });

  it('completes, streamed and not', async () => {
    const { client } = await start();
    const body = { model: 'fake', prompt: ['a', 'b'], max_tokens: 2, seed: 0 };
    const answer = await client.completions.create(body);
    expect(answer.choices.map((choice) => choice.text)).toEqual(['one two', 'one two']);
    const texts = ['', ''];
    for await (const chunk of await client.completions.create({ ...body, stream: true })) {
      for (const choice of chunk.choices) texts[choice.index] += choice.text;
    }
    expect(texts).toEqual(['one two', 'one two']);
  });

  it('lists and retrieves models', async () => {
    const { client } = await start();
    expect((await client.models.list()).data.map((model) => model.id)).toEqual(['fake']);
    expect((await client.models.retrieve('fake')).owned_by).toBe('triptych');
  });

  it('gets its own error classes', async () => {
    const { client } = await start({}, { apiKeys: ['key'] });
    const create = (extra: object) => client.chat.completions.create({ model: 'fake', messages, ...extra });
    const refused = await create({ n: 2 }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BadRequestError);
    expect(refused).toMatchObject({ status: 400, param: 'n', code: 'unsupported_parameter' });
    await expect(create({ model: 'other' })).rejects.toBeInstanceOf(NotFoundError);
    const stranger = new OpenAI({ baseURL: client.baseURL, apiKey: 'wrong', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(AuthenticationError);
  });

  it('gets an error in mid-stream as an APIError', async () => {
    const { client } = await start({ failure: { afterTokens: 1, error: new Error('boom') } });
    const stream = await client.chat.completions.create({ model: 'fake', messages, stream: true });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toBeInstanceOf(APIError);
  });

  it('retries while the model loads', async () => {
    let ready: (engine: FakeEngine) => void = () => undefined;
    const loading = new Promise<FakeEngine>((resolve) => {
      ready = resolve;
    });
    const server = await serve({ engines: [{ loading }], port: 0 });
    open.push(server);
    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'key', maxRetries: 5 });
    const answer = client.chat.completions.create({ model: 'fake', messages, max_tokens: 1, seed: 0 });
    expect((await fetch(`${server.url}/health`)).status).toBe(503);
    ready(new FakeEngine());
    expect((await answer).choices[0]?.message.content).toBe('one');
  });
});

describe('a client that leaves', () => {
  it('stops a streaming generation', async () => {
    const { client, engine } = await start({ tokenDelayMs: 5 });
    const stream = await client.chat.completions.create({ model: 'fake', messages, stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    await until(() => engine.seen[0]?.aborted === true);
    expect(engine.stats().finishedTotal.abort).toBe(1);
  });

  it('stops a generation nobody has seen anything of yet', async () => {
    const { client, engine } = await start({ queueDelayMs: 60_000 });
    for (const stream of [false, true]) {
      const controller = new AbortController();
      const call = client.chat.completions.create(
        { model: 'fake', messages, stream },
        { signal: controller.signal },
      );
      const count = stream ? 2 : 1;
      await until(() => engine.seen.length === count);
      controller.abort();
      await expect(call).rejects.toBeInstanceOf(APIUserAbortError);
      await until(() => engine.seen[count - 1]?.aborted === true);
    }
    expect(engine.running).toBe(0);
  });

  it('stops every prompt of a completion', async () => {
    const { client, engine } = await start({ tokenDelayMs: 5 });
    const prompt = ['a', 'b', 'c'];
    const stream = await client.completions.create({ model: 'fake', prompt, max_tokens: 1000, stream: true });
    for await (const _ of stream) break;
    await until(() => engine.seen.length === 3 && engine.seen.every((seen) => seen.aborted));
  });
});

describe('shutdown', () => {
  it('lets a running answer finish, takes no new one, and closes the engine', async () => {
    const { client, engine, server } = await start({ tokenDelayMs: 10 });
    const answer = client.chat.completions.create({ model: 'fake', messages, max_tokens: 20, seed: 0 });
    await until(() => engine.running === 1);
    const closed = server.close({ deadlineMs: 30_000 });
    expect((await answer).choices[0]?.finish_reason).toBe('length');
    await closed;
    expect(engine.closed).toBe(true);
    await expect(fetch(`${server.url}/health`)).rejects.toThrow();
  });

  it('aborts what runs beyond the deadline, and says so', async () => {
    const { client, engine, server } = await start({ tokenDelayMs: 10 });
    const plain = client.chat.completions
      .create({ model: 'fake', messages })
      .catch((error: unknown) => error);
    const stream = await client.chat.completions.create({ model: 'fake', messages, stream: true });
    await until(() => engine.running === 2);
    const closed = server.close({ deadlineMs: 30 });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toMatchObject({ code: 'shutting_down' });
    expect(await plain).toMatchObject({ status: 503, code: 'shutting_down' });
    await closed;
    expect(engine.closed).toBe(true);
  });

  it('does not wait for memory streams or idle connections', async () => {
    const { server } = await start();
    const response = await fetch(`${server.url}/api/memory/stream`);
    const text = response.text();
    await server.close({ deadlineMs: 60_000 });
    expect(await text).toMatch(/^data: /);
  });
});

describe('binding', () => {
  it('says that a port is in use', async () => {
    const { server } = await start();
    const second = serve({ engines: [new FakeEngine()], port: server.port });
    await expect(second).rejects.toBeInstanceOf(ServeError);
    await expect(second).rejects.toMatchObject({
      code: 'port_in_use',
      message: expect.stringContaining('--port'),
    });
  });

  it('refuses a public address without a key', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.com']) {
      await expect(serve({ engines: [new FakeEngine()], host, port: 0 })).rejects.toMatchObject({
        code: 'public_without_key',
      });
    }
    const server = await serve({ engines: [new FakeEngine()], host: '0.0.0.0', port: 0, apiKeys: ['k'] });
    open.push(server);
    expect((await fetch(`http://127.0.0.1:${server.port}/health`)).status).toBe(200);
  });

  it('says that an address is not ours', async () => {
    const bad = serve({ engines: [new FakeEngine()], host: '192.0.2.1', port: 0, apiKeys: ['k'] });
    await expect(bad).rejects.toMatchObject({ code: 'address_unavailable' });
  });

  it('answers only to loopback names, and to further ones on request', async () => {
    const { server } = await start({}, { allowedHosts: ['box.local'] });
    const status = (host: string) => statusWithHost(server.port, host);
    expect(await status(`localhost:${server.port}`)).toBe(200);
    expect(await status('box.local')).toBe(200);
    expect(await status('evil.example')).toBe(403);
  });
});

describe('hostile sockets', () => {
  it('answers what is no HTTP in the API\u2019s shape', async () => {
    const { server } = await start({}, { limits: { headersTimeoutMs: 100, requestTimeoutMs: 100 } });
    const garbage = await raw(server.port, 'nonsense\r\n\r\n');
    expect(garbage).toMatch(/^HTTP\/1.1 400 /);
    expect(JSON.parse(garbage.split('\r\n\r\n')[1] ?? '')).toMatchObject({ error: { code: 'bad_request' } });
    expect(
      await raw(server.port, `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`),
    ).toMatch(/^HTTP\/1.1 431 /);
    expect(await raw(server.port, 'GET /health HTTP/1.1\r\nconnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 4\d\d [\s\S]*"error"/,
    );
    expect(
      await raw(server.port, 'GET /health HTTP/1.1\r\nhost: local host\r\nconnection: close\r\n\r\n'),
    ).toMatch(/^HTTP\/1.1 4\d\d [\s\S]*"error"/);
    const slow = await raw(server.port, 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n');
    expect(slow).toMatch(/^HTTP\/1.1 408 /);
  });

  it('survives a body that ends early', async () => {
    const { server, engine } = await start();
    const socket = connect(server.port, '127.0.0.1');
    socket.write(
      'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"mess',
    );
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.destroy();
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect(engine.seen).toEqual([]);
  });

  it('gives 413 before reading a large body', async () => {
    const { server } = await start({}, { limits: { maxBodyBytes: 1000 } });
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: 'x'.repeat(200_000),
    });
    expect(response.status).toBe(413);
  });
});

function statusWithHost(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = httpRequest({ port, host: '127.0.0.1', path: '/health', headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on('error', reject).end();
  });
}

/** Everything the server answers to `text` until it closes the connection. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      answer += part;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}
