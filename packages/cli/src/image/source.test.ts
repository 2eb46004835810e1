/** The image routes over the real pipeline: a tiny random-weight diffusers folder, the official client, a real socket. */
import { readFileSync, rmSync } from 'node:fs';
import { Aurora } from '@triptych/aurora';
import { FakeEditor } from '@triptych/aurora/testing';
import { decodeImage, encodeImage, type Raster } from '@triptych/media';
import { makeModelFolder } from '@triptych/nets/testing';
import { type ImageEditEvent, ImageError, type RunningServer, serve } from '@triptych/server';
import { FakeEngine, until } from '@triptych/server/testing';
import OpenAI, { BadRequestError, toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leaseAfterText } from './cores.js';
import { AuroraImageSource, previewAt } from './source.js';

const picture: Raster = {
  width: 50,
  height: 30,
  channels: 3,
  data: Uint8Array.from({ length: 50 * 30 * 3 }, (_, i) => (i * 7) % 251),
};

describe('with the official client and a tiny diffusers folder', () => {
  let folder: string;
  let server: RunningServer;
  let client: OpenAI;
  beforeAll(async () => {
    folder = await makeModelFolder({ tokenizer: true });
    const engine = new FakeEngine();
    const images = new AuroraImageSource(() =>
      Aurora.open(folder, { threads: 1, lease: leaseAfterText(() => engine) }),
    );
    server = await serve({ engines: [engine], images, port: 0 });
    client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'key', maxRetries: 0 });
  });
  afterAll(async () => {
    await server.close({ deadlineMs: 0 });
    rmSync(folder, { recursive: true });
  });

  const file = async (raster: Raster = picture) =>
    toFile(await encodeImage(raster), 'in.png', { type: 'image/png' });
  const extra = (fields: object) => fields as object as Record<string, never>;

  it('edits, with the mask\u2019s outside kept and the parameters in the file', async () => {
    const alpha = new Uint8Array(50 * 30 * 4).fill(255);
    for (let i = 0; i < 50 * 30; i++) if (i % 50 < 25) alpha[4 * i + 3] = 0;
    const answer = await client.images.edit({
      image: await file(),
      mask: await file({ width: 50, height: 30, channels: 4, data: alpha }),
      prompt: 'make it red',
      n: 2,
      ...extra({ steps: 2, seed: 5, text_guidance: 3 }),
    });
    expect(answer.data).toHaveLength(2);
    const bytes = Buffer.from(answer.data?.[1]?.b64_json ?? '', 'base64');
    const image = await decodeImage(bytes);
    expect(image).toMatchObject({ width: 50, height: 30, format: 'png' });
    for (let y = 0; y < 30; y++) {
      const row = 3 * (y * 50 + 25);
      expect(image.data.subarray(row, row + 75)).toEqual(picture.data.subarray(row, row + 75));
    }
    const recalled = await fetch(`${server.url}/api/images/recall`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ image: bytes.toString('base64') }),
    });
    expect(await recalled.json()).toMatchObject({
      parameters: { instruction: 'make it red', seed: 6, steps: 2, textGuidance: 3 },
    });
  });

  it('streams partial images and the result, the same as without a stream', async () => {
    const body = { prompt: 'x', ...extra({ steps: 4, seed: 1 }) };
    const stream = await client.images.edit({
      ...body,
      image: await file(),
      stream: true,
      partial_images: 2,
    });
    const events: OpenAI.ImageEditStreamEvent[] = [];
    for await (const event of stream) events.push(event);
    expect(events.map(({ type }) => type)).toEqual([
      'image_edit.partial_image',
      'image_edit.partial_image',
      'image_edit.completed',
    ]);
    const partial = await decodeImage(Buffer.from(events[0]?.b64_json ?? '', 'base64'));
    expect(partial).toMatchObject({ width: 256, height: 152 });
    expect(events.map(({ size }) => size)).toEqual(['256x152', '256x152', '50x30']);
    const plain = await client.images.edit({ ...body, image: await file() });
    expect(plain.data?.[0]?.b64_json).toBe(events[2]?.b64_json);
  });

  it('gives the client its own errors', async () => {
    const edit = async (fields: object) =>
      client.images.edit({ image: await file(), prompt: 'x', ...fields }).catch((error: unknown) => error);
    const glass = { channels: 4, data: new Uint8Array(100) } as const;
    const masks = [
      await file({ width: 5, height: 5, ...glass }),
      await file(),
      await toFile(Buffer.from('no image'), 'x.png'),
    ];
    for (const mask of masks) expect(await edit({ mask })).toMatchObject({ status: 400, param: 'mask' });
    const broken = await edit({ image: await toFile(Buffer.from('no image'), 'x.png') });
    expect(broken).toBeInstanceOf(BadRequestError);
    expect(broken).toMatchObject({ param: 'image', code: 'invalid_image' });
    expect(await edit({ prompt: ' ' })).toMatchObject({ param: 'prompt' });
    expect(await edit({ model: 'gpt-image-1' })).toMatchObject({ status: 404 });
  });

  it('stops when the client leaves', async () => {
    const controller = new AbortController();
    const call = client.images.edit(
      { image: await file(), prompt: 'x', n: 10, ...extra({ steps: 100 }) },
      { signal: controller.signal },
    );
    const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
    await until(async () => /image_edits_running\{[^}]*\} 1/.test(await metrics()));
    controller.abort();
    await expect(call).rejects.toThrow();
    await until(async () => /image_edits_total\{[^}]*"cancelled"\} 1/.test(await metrics()));
  });

  it('describes the model and makes scenes', async () => {
    const models = await (await fetch(`${server.url}/api/images/models`)).json();
    expect(models).toMatchObject({ data: [{ native_side: 64, side_multiple: 4, default: true }] });
    const answer = await fetch(`${server.url}/api/images/scene`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ seed: 3, count: 3, size: 64 }),
    });
    const scene = (await answer.json()) as { b64_json: string; suggestions: string[] };
    expect(await decodeImage(Buffer.from(scene.b64_json, 'base64'))).toMatchObject({ width: 64, height: 64 });
    expect(scene.suggestions.length).toBeGreaterThan(3);
    for (const text of scene.suggestions) expect(text).toMatch(/^\w[\w ]+$/);
  });
});

describe('the source', () => {
  it('opens the model when it is first needed, once, and again after a failure', async () => {
    let attempts = 0;
    const source = new AuroraImageSource(async () => {
      attempts += 1;
      if (attempts === 1) throw new Error('no such folder');
      return new Aurora(new FakeEditor());
    });
    expect(attempts).toBe(0);
    await expect(source.models()).rejects.toMatchObject({ code: 'unavailable' });
    await Promise.all([source.models(), source.models()]);
    expect(attempts).toBe(2);
    await source.close();
    await expect(source.models()).rejects.toBeInstanceOf(ImageError);
  });

  it('tells what is special about how the model is run', async () => {
    const editor = Object.assign(new FakeEditor(), { note: 'The sampler is another.' });
    const source = new AuroraImageSource(async () => new Aurora(editor));
    expect((await source.models())[0]?.description).toMatch(/own size\. The sampler is another\.$/);
    await source.close();
  });

  it('keeps previews before the result they belong to', async () => {
    const source = new AuroraImageSource(async () => new Aurora(new FakeEditor()));
    const events: ImageEditEvent[] = [];
    const model = (await source.models())[0]?.id ?? '';
    const image = await encodeImage(picture);
    const request = { model, image, instruction: 'x', n: 2, steps: 6, format: 'webp', previews: 3 } as const;
    await source.edit(request, {
      signal: new AbortController().signal,
      onEvent: (event) => events.push(event),
    });
    const order = events
      .filter(({ type }) => type !== 'progress')
      .map(({ type, index }) => `${type} ${index}`);
    const one = (index: number) => [...Array(3).fill(`preview ${index}`), `image ${index}`];
    expect(order).toEqual([...one(0), ...one(1)]);
    await source.close();
  });

  it.each([
    [20, 3, [5, 10, 15]],
    [4, 3, [1, 2, 3]],
    [2, 3, [1]],
    [1, 3, []],
    [10, 0, []],
  ])('spreads previews over steps: %i steps, %i previews', (steps, previews, expected) => {
    const found = Array.from({ length: steps }, (_, i) => i + 1).filter(
      (step) => previewAt(step, steps, previews) !== undefined,
    );
    expect(found).toEqual(expected);
    expect(found.map((step) => previewAt(step, steps, previews))).toEqual(found.map((_, i) => i));
  });
});

describe('cores', () => {
  function setUp() {
    let [nowMs, running] = [0, 1];
    const lease = leaseAfterText(() => ({ stats: () => ({ running, waiting: 0 }) }) as never, {
      now: () => nowMs,
      pause: async (timeoutMs, signal) => {
        nowMs += timeoutMs;
        signal?.throwIfAborted();
        if (nowMs > 10_000) throw new Error('waits for ever');
      },
    });
    return {
      lease,
      pass: (milliseconds: number) => {
        nowMs += milliseconds;
      },
      now: () => nowMs,
      idle: () => {
        running = 0;
      },
    };
  }

  it('are given at once while no text runs, and in the gaps of text otherwise', async () => {
    const { lease, pass, now, idle } = setUp();
    const first = await lease();
    pass(100);
    first();
    const askedAt = now();
    await lease();
    expect(now() - askedAt).toBe(300);
    idle();
    const idleAt = now();
    (await lease())();
    expect(now()).toBe(idleAt);
    await expect(lease(AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });

  it('are waited for two seconds at most', async () => {
    const { lease, pass, now } = setUp();
    const first = await lease();
    pass(5000);
    first();
    const askedAt = now();
    await lease();
    expect(now() - askedAt).toBe(2000);
  });
});

it('a text-only install of the command finds its way without image packages', () => {
  const { dependencies } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { dependencies: Record<string, string> };
  expect(Object.keys(dependencies)).not.toContain('@triptych/aurora');
});
