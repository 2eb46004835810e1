import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_SAMPLING } from '../state/settings.js';
import { type GenerationEvent, streamChat, streamContinuation, wireSampling } from './generate.js';

let server: Server | undefined;
const realFetch = globalThis.fetch;

/** A real socket; only the page's relative addresses are made absolute, as a browser would. */
async function serveWith(answer: (response: ServerResponse, body: string, authorization: string) => void) {
  const started = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    answer(response, body, request.headers.authorization ?? '');
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(started.address() as AddressInfo).port}/`;
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => realFetch(new URL(path, base), init));
}

afterEach(() => {
  vi.unstubAllGlobals();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function collect(stream: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

const chat = (apiKey = '') => streamChat([{ role: 'user', content: 'Hi' }], DEFAULT_SAMPLING, { apiKey });

describe('streaming', () => {
  it('reads a chat stream with usage and sends the sampling fields and the key', async () => {
    let sent: Record<string, unknown> = {};
    let key = '';
    await serveWith((response, body, authorization) => {
      sent = JSON.parse(body);
      key = authorization;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(
        'data: {"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n',
      );
      response.write('data: {"choices":[{"delta":{"content":"Hel"},"finish_reason":null}]}\n\n: ping\n\n');
      response.write('data: {"choices":[{"delta":{"content":"lo"},"finish_reason":null}]}\n\n');
      response.write('data: {"choices":[{"delta":{},"finish_reason":"length"}]}\n\n');
      response.write('data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n');
      response.end('data: [DONE]\n\n');
    });
    expect(await collect(chat('secret'))).toEqual([
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
      { type: 'finish', reason: 'length', usage: { promptTokens: 3, completionTokens: 2 } },
    ]);
    expect(key).toBe('Bearer secret');
    expect(sent).toMatchObject({ stream: true, temperature: 0.8, top_k: 40, max_tokens: 512 });
    expect(sent).not.toHaveProperty('seed');
  });

  it('reads a completion stream', async () => {
    await serveWith((response) => response.end('data: {"choices":[{"text":" upon"}]}\n\ndata: [DONE]\n\n'));
    const events = await collect(streamContinuation('Once', DEFAULT_SAMPLING, { apiKey: '' }));
    expect(events[0]).toEqual({ type: 'text', text: ' upon' });
  });

  it("throws the server's own message, before and within a stream", async () => {
    const error =
      '{"error":{"message":"No such model","type":"invalid_request_error","code":"model_not_found"}}';
    await serveWith((response) => response.writeHead(404).end(error));
    await expect(collect(chat())).rejects.toMatchObject({
      message: 'No such model',
      status: 404,
      code: 'model_not_found',
    });
    server?.close();
    await serveWith((response) => response.end(`data: {"choices":[{"text":"a"}]}\n\ndata: ${error}\n\n`));
    await expect(collect(chat())).rejects.toMatchObject({ message: 'No such model' });
  });

  it('names a cut stream, an unreadable one and a server that is gone', async () => {
    await serveWith((response) => response.end('data: {"choices":[{"text":"a"}]}\n\n'));
    await expect(collect(chat())).rejects.toMatchObject({ code: 'cut' });
    server?.close();
    await serveWith((response) => response.end('data: {oops\n\n'));
    await expect(collect(chat())).rejects.toMatchObject({ code: 'cut' });
    server?.close();
    await serveWith((response) => response.writeHead(502, 'Bad Gateway').end('<html>'));
    await expect(collect(chat())).rejects.toMatchObject({
      status: 502,
      message: 'The server answered 502 Bad Gateway',
    });
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    await expect(collect(chat())).rejects.toMatchObject({ code: 'offline', status: 0 });
  });

  it("throws the abort's reason when stopped", async () => {
    await serveWith((response) => response.write('data: {"choices":[{"text":"a"}]}\n\n'));
    const abort = new AbortController();
    const stream = streamContinuation('x', DEFAULT_SAMPLING, { apiKey: '', signal: abort.signal });
    expect((await stream.next()).value).toEqual({ type: 'text', text: 'a' });
    abort.abort(new Error('enough'));
    await expect(stream.next()).rejects.toThrow('enough');
  });
});

it('leaves unset sampling fields to the server', () => {
  const fields = wireSampling({ ...DEFAULT_SAMPLING, maxTokens: undefined, seed: 0, stop: ['x'] });
  expect(fields).not.toHaveProperty('max_tokens');
  expect(fields).toMatchObject({ seed: 0, stop: ['x'] });
});
