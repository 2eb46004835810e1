/** The official client over a real socket, against a fake source. */
import OpenAI, { APIError, BadRequestError, InternalServerError, toFile } from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { type RunningServer, type ServeOptions, serve } from '../serve.js';
import { FakeEngine, FakeImageSource, type FakeImageSourceOptions, until } from '../testing/index.js';

const open: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close({ deadlineMs: 0 })));
});

const picture = Uint8Array.of(137, 80, 78, 71, 1, 2, 3);
const base64 = Buffer.from(picture).toString('base64');
const noTokens = {
  input_tokens: 0,
  input_tokens_details: { image_tokens: 0, text_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { image_tokens: 0, text_tokens: 0 },
  total_tokens: 0,
};

async function start(sourceOptions: FakeImageSourceOptions = {}, options: Partial<ServeOptions> = {}) {
  const source = new FakeImageSource(sourceOptions);
  const server = await serve({ engines: [new FakeEngine()], images: source, port: 0, ...options });
  open.push(server);
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'key', maxRetries: 0 });
  const image = await toFile(Buffer.from(picture), 'in.png', { type: 'image/png' });
  return { source, server, client, body: { image, prompt: 'make it red' } };
}

describe('images.edit', () => {
  it('answers, with several pictures and a mask', async () => {
    const { client, body, source } = await start();
    const answer = await client.images.edit({ ...body, mask: body.image, n: 2, size: 'auto' });
    expect(answer.data?.map((one) => one.b64_json)).toEqual([base64, base64]);
    expect(answer).toMatchObject({ output_format: 'png', size: '4x3', usage: noTokens });
    expect(source.seen[0]?.request.mask).toEqual(picture);
    // An array is sent under the name image[].
    const listed = await client.images.edit({ ...body, image: [body.image] });
    expect(listed.data).toHaveLength(1);
  });

  it('streams', async () => {
    const { client, body } = await start();
    const stream = await client.images.edit({ ...body, stream: true, partial_images: 1 });
    const types: string[] = [];
    for await (const event of stream) {
      types.push(event.type);
      expect(event.b64_json).toBe(base64);
      // What the client's types promise of both kinds, and of the last alone.
      expect(event).toMatchObject({ output_format: 'png', background: 'auto', quality: 'auto' });
      expect(event.created_at).toBeGreaterThan(0);
      if (event.type === 'image_edit.completed')
        expect(event).toMatchObject({ size: '4x3', usage: noTokens });
      else expect(event).toMatchObject({ size: '2x1', partial_image_index: 0 });
    }
    expect(types).toEqual(['image_edit.partial_image', 'image_edit.completed']);
  });

  it('fails with the client\u2019s own error classes, in a stream too', async () => {
    const { client, body } = await start({ failure: { afterSteps: 2, error: new Error('boom') } });
    await expect(client.images.edit(body)).rejects.toBeInstanceOf(InternalServerError);
    const refused = await client.images.edit({ ...body, quality: 'high' }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BadRequestError);
    expect(refused).toMatchObject({ param: 'quality', code: 'unsupported_parameter' });
    const stream = await client.images.edit({ ...body, stream: true, partial_images: 1 });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toBeInstanceOf(APIError);
  });

  it('ends when the client leaves: waiting for an answer, reading a stream, in the queue', async () => {
    const { client, body, source } = await start({ stepDelayMs: 20 });
    const long = { ...body, n: 10, steps: 100 };
    const controller = new AbortController();
    const call = client.images.edit(long, { signal: controller.signal });
    await until(() => source.seen.length === 1);
    const waiting = new AbortController();
    const second = client.images.edit(long, { signal: waiting.signal });
    const gone = second.catch((error: unknown) => error);
    waiting.abort();
    expect(await gone).toBeInstanceOf(APIError);
    controller.abort();
    await expect(call).rejects.toBeInstanceOf(APIError);
    await until(() => source.running === 0);
    const stream = await client.images.edit({ ...long, stream: true, partial_images: 3 });
    for await (const _ of stream) break;
    await until(() => source.running === 0);
    expect(source.seen.every(({ aborted }) => aborted)).toBe(true);
  });

  it('is retried by the client when the queue is full', async () => {
    const { server, body, source } = await start({ stepDelayMs: 5 }, { limits: { maxQueuedEdits: 0 } });
    const patient = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'key', maxRetries: 10 });
    const answers = await Promise.all([patient.images.edit(body), patient.images.edit(body)]);
    expect(answers.map(({ data }) => data?.length)).toEqual([1, 1]);
    expect(source.seen).toHaveLength(2);
  });
});

it('a shutdown lets a running edit finish, ends jobs, and closes the source', async () => {
  const { client, body, source, server } = await start({ stepDelayMs: 20 });
  const running = client.images.edit(body);
  await until(() => source.seen.length === 1);
  const job = await fetch(`${server.url}/api/images/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ image: base64, prompt: 'x', steps: 100 }),
  });
  expect(job.status).toBe(202);
  await server.close({ deadlineMs: 30_000 });
  expect((await running).data).toHaveLength(1);
  expect(source.seen).toHaveLength(1);
  expect(source.closed).toBe(true);
});
