import { describe, expect, it } from 'vitest';
import { type AppOptions, createApp } from '../app.js';
import { FakeEngine, FakeImageSource, type FakeImageSourceOptions, until } from '../testing/index.js';
import { errorOf } from '../testing/requests.js';
import { ImageError } from './source.js';

const path = '/v1/images/edits';
const picture = Uint8Array.of(137, 80, 78, 71, 1, 2, 3);
const base64 = Buffer.from(picture).toString('base64');

function setUp(options: FakeImageSourceOptions = {}, appOptions: Partial<AppOptions> = {}) {
  const source = new FakeImageSource(options);
  const app = createApp({ engines: [new FakeEngine()], images: source, ...appOptions });
  const json = (body: unknown, to = path): Promise<Response> =>
    Promise.resolve(
      app.request(to, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    );
  const form = (
    fields: Readonly<Record<string, string | Uint8Array>>,
    headers: Readonly<Record<string, string>> = {},
    to = path,
  ): Promise<Response> => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields))
      body.append(name, typeof value === 'string' ? value : new Blob([new Uint8Array(value)]));
    return Promise.resolve(app.request(to, { method: 'POST', body, headers }));
  };
  return { source, app, json, form };
}

const edit = { image: picture, prompt: 'make it red' };

describe('a form', () => {
  it('edits, with every field where it belongs', async () => {
    const { source, form } = setUp();
    const response = await form({
      'image[]': picture,
      mask: Uint8Array.of(1, 2),
      prompt: 'make it red',
      n: '2',
      seed: '4294967295',
      steps: '3',
      sampler: 'euler',
      size: '640x480',
      text_guidance: '2.5',
      image_guidance: '1.25',
      negative_prompt: 'blue',
      feather: '4',
      output_format: 'jpeg',
      output_compression: '80',
      user: 'someone',
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-triptych-ignored')).toBe('user');
    expect(await response.json()).toMatchObject({
      model: 'fake-edit',
      output_format: 'jpeg',
      size: '4x3',
      data: [
        { b64_json: base64, seed: 2 ** 32 - 1 },
        { b64_json: base64, seed: 0 },
      ],
    });
    expect(source.seen[0]?.request).toEqual({
      model: 'fake-edit',
      image: picture,
      mask: Uint8Array.of(1, 2),
      instruction: 'make it red',
      n: 2,
      seed: 2 ** 32 - 1,
      steps: 3,
      sampler: 'euler',
      size: { width: 640, height: 480 },
      textGuidance: 2.5,
      imageGuidance: 1.25,
      negative: 'blue',
      feather: 4,
      format: 'jpeg',
      quality: 80,
      previews: 0,
    });
  });

  it('takes fields that a page left empty as left out', async () => {
    const { source, form } = setUp();
    expect((await form({ ...edit, seed: '', steps: '', mask: picture, size: 'auto' })).status).toBe(200);
    expect(source.seen[0]?.request).not.toHaveProperty('seed');
    expect(source.seen[0]?.request).not.toHaveProperty('size');
  });

  it('names what is wrong', async () => {
    const { form, source } = setUp();
    const cases: readonly (readonly [Record<string, string | Uint8Array>, string, string?])[] = [
      [{ prompt: 'x' }, 'image'],
      [{ image: 'text', prompt: 'x' }, 'image'],
      [{ image: picture }, 'prompt'],
      [{ ...edit, prompt: '  ' }, 'prompt'],
      [{ ...edit, prompt: 'word '.repeat(10_000) }, 'prompt'],
      [{ ...edit, text_guidance: 'NaN' }, 'text_guidance', 'invalid_type'],
      [{ ...edit, text_guidance: 'Infinity' }, 'text_guidance'],
      [{ ...edit, image_guidance: '0.5' }, 'image_guidance'],
      [{ ...edit, steps: '1e9' }, 'steps'],
      [{ ...edit, seed: '-1' }, 'seed'],
      [{ ...edit, n: '11' }, 'n'],
      [{ ...edit, size: '0x10' }, 'size'],
      [{ ...edit, size: '99999x99999' }, 'size'],
      [{ ...edit, sampler: 'magic' }, 'sampler'],
      [{ ...edit, output_format: 'bmp' }, 'output_format'],
      [{ ...edit, response_format: 'url' }, 'response_format'],
      [{ ...edit, quality: 'high' }, 'quality', 'unsupported_parameter'],
      [{ ...edit, background: 'transparent' }, 'background', 'unsupported_parameter'],
      [{ ...edit, partial_images: '1' }, 'partial_images'],
      [{ ...edit, stream: 'yes' }, 'stream'],
      [{ ...edit, temprature: '1' }, 'temprature', 'unknown_parameter'],
      [{ ...edit, 'image[]': picture }, 'image'],
    ];
    for (const [fields, param, code] of cases) {
      const error = await errorOf(await form(fields));
      expect(error, JSON.stringify(Object.keys(fields))).toMatchObject({ status: 400, param });
      if (code !== undefined) expect(error.code).toBe(code);
    }
    expect(await errorOf(await form({ ...edit, model: 'gpt-image-1' }))).toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
    expect(source.seen).toEqual([]);
  });

  it('is refused from pages of other sites, not from ours or from programs', async () => {
    const { form } = setUp({}, { cors: { origins: ['https://friend.example'] } });
    const status = async (headers: Record<string, string>) => (await form(edit, headers)).status;
    expect(await status({ origin: 'https://evil.example', host: 'localhost' })).toBe(403);
    expect(await status({ origin: 'null', host: 'localhost' })).toBe(403);
    expect(await status({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await status({ origin: 'http://localhost:8080', host: 'localhost:8080' })).toBe(200);
    expect(await status({ origin: 'https://friend.example', 'sec-fetch-site': 'cross-site' })).toBe(200);
    expect(await status({})).toBe(200);
  });

  it('is refused when damaged, too large or too many', async () => {
    const { app, form } = setUp({}, { limits: { maxImageBodyBytes: 2000 } });
    const send = (contentType: string, body: string) =>
      app.request(path, { method: 'POST', headers: { 'content-type': contentType }, body });
    expect(await errorOf(await send('multipart/form-data', 'x'))).toMatchObject({ code: 'invalid_form' });
    expect(await errorOf(await send('multipart/form-data; boundary=b', '--b\r\nnonsense'))).toMatchObject({
      status: 400,
      code: 'invalid_form',
    });
    expect(await errorOf(await send('multipart/form-data; boundary=b', '--b'.repeat(100)))).toMatchObject({
      status: 400,
    });
    expect((await form({ ...edit, image: new Uint8Array(3000) })).status).toBe(413);
    expect((await send('text/plain', 'x')).status).toBe(415);
  });
});

describe('JSON', () => {
  it('takes base64 and data: URLs under both names', async () => {
    const { source, json } = setUp();
    const url = `data:image/png;base64,${base64}`;
    for (const body of [
      { image: base64 },
      { image: [url] },
      { images: [{ image_url: url }], mask: { image_url: url } },
    ])
      expect((await json({ prompt: 'x', ...body })).status).toBe(200);
    for (const { request } of source.seen) expect(Buffer.from(request.image)).toEqual(Buffer.from(picture));
    expect(Buffer.from(source.seen[2]?.request.mask ?? [])).toEqual(Buffer.from(picture));
  });

  it('fetches nothing and says what is wrong', async () => {
    const { json } = setUp();
    const param = async (body: object) => (await errorOf(await json({ prompt: 'x', ...body }))).param;
    expect(await param({ image: 'http://169.254.169.254/latest' })).toBe('image');
    expect(await param({ images: [{ image_url: 'file:///etc/passwd' }] })).toBe('images[0].image_url');
    expect(await param({ image: 'not base64!' })).toBe('image');
    expect(await param({ image: '' })).toBe('image');
    expect(await param({})).toBe('image');
    expect(await param({ image: base64, images: [{ image_url: base64 }] })).toBe('images');
    expect(await param({ images: [{ image_url: base64 }, { image_url: base64 }] })).toBe('images');
    expect(await param({ image: base64, mask: 'ftp://x' })).toBe('mask');
    expect(await param({ image: base64, n: 1.5 })).toBe('n');
  });

  it('passes on what the source complains about', async () => {
    const { json } = setUp();
    const damaged = await errorOf(await json({ prompt: 'x', image: 'AAAA' }));
    expect(damaged).toMatchObject({ status: 400, code: 'invalid_image', param: 'image' });
    const { json: broken } = setUp({ failure: { afterSteps: 1, error: new Error('secret path') } });
    const internal = await errorOf(await broken({ prompt: 'x', image: base64 }));
    expect(internal).toMatchObject({ status: 500, code: 'internal_error' });
    expect(internal.message).not.toContain('secret');
    const { json: gone } = setUp({ failure: { afterSteps: 1, error: new ImageError('unavailable', 'no') } });
    expect((await gone({ prompt: 'x', image: base64 })).headers.get('retry-after')).toBe('5');
  });
});

describe('a stream', () => {
  const read = async (response: Response) =>
    (await response.text())
      .split('\n\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? 'null'));

  it('has partial images, progress on request, and a completed event per result', async () => {
    const { json } = setUp();
    const body = { prompt: 'x', image: base64, n: 2, stream: true, partial_images: 2, steps: 3 };
    const plain = await read(await json(body));
    expect(plain.map(({ type, index }) => `${type.slice(11)} ${index}`)).toEqual([
      'partial_image 0',
      'partial_image 0',
      'completed 0',
      'partial_image 1',
      'partial_image 1',
      'completed 1',
    ]);
    expect(plain[1]).toMatchObject({ partial_image_index: 1, step: 2, steps: 3, b64_json: base64 });
    expect(plain[5]).toMatchObject({ seed: 101, size: '4x3', output_format: 'png' });
    const chatty = await read(await json({ ...body, n: 1, progress: true }));
    const progress = chatty.filter(({ type }) => type === 'image_edit.progress');
    expect(progress.at(-1)).toEqual({
      type: 'image_edit.progress',
      index: 0,
      step: 3,
      steps: 3,
      eta_seconds: 0,
    });
  });

  it('keeps the status of an error that comes early, and ends with one that comes late', async () => {
    const { json } = setUp();
    expect((await json({ prompt: 'x', image: 'AAAA', stream: true })).status).toBe(400);
    const { json: later } = setUp({ failure: { afterSteps: 2, error: new ImageError('unavailable', 'no') } });
    const events = await read(await later({ prompt: 'x', image: base64, stream: true, progress: true }));
    expect(events.at(-1)).toMatchObject({ error: { code: 'unavailable' } });
  });

  it('ends the edit when its reader leaves', async () => {
    const { json, source } = setUp({ stepDelayMs: 5 });
    const response = await json({
      prompt: 'x',
      image: base64,
      steps: 100,
      n: 10,
      stream: true,
      progress: true,
    });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await until(() => source.running === 0);
    expect(source.seen[0]?.aborted).toBe(true);
  });
});

describe('the queue', () => {
  it('runs one at a time, refuses what is too much, and lets a waiting one leave', async () => {
    const { json, source, app } = setUp({ stepDelayMs: 20 }, { limits: { maxQueuedEdits: 1 } });
    const body = { prompt: 'x', image: base64, steps: 100 };
    const leave = new AbortController();
    const request = (signal?: AbortSignal) =>
      app.request(
        new Request(`http://localhost${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
          ...(signal === undefined ? {} : { signal }),
        }),
      );
    const stop = new AbortController();
    const first = request(stop.signal);
    await until(() => source.seen.length === 1);
    const waiting = request(leave.signal);
    await until(async () =>
      (await (await app.request('/metrics')).text()).includes('edits_waiting{model_name="fake-edit"} 1'),
    );
    const refused = await json(body);
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect(await errorOf(refused)).toMatchObject({ status: 503, code: 'overloaded' });
    leave.abort();
    expect((await waiting).status).toBe(499);
    expect(source.seen).toHaveLength(1);
    stop.abort();
    expect((await first).status).toBe(499);
    const metrics = await (await app.request('/metrics')).text();
    expect(metrics).toContain(
      'triptych:image_edits_total{model_name="fake-edit",finished_reason="cancelled"} 2',
    );
    expect(metrics).toMatch(/image_edits_(running|waiting)\{model_name="fake-edit"\} 0/);
  });
});

describe('jobs', () => {
  const jobs = '/api/images/jobs';

  it('run, report, finish and can be fetched', async () => {
    const { json, app, form } = setUp({ stepDelayMs: 2 });
    const started = await form({ ...edit, n: '2' }, {}, jobs);
    expect(started.status).toBe(202);
    const { id } = (await started.json()) as { id: string };
    const read = async () => (await (await app.request(`${jobs}/${id}`)).json()) as Record<string, unknown>;
    await until(async () => (await read()).status === 'completed');
    expect(await read()).toMatchObject({
      step: 4,
      steps: 4,
      index: 1,
      n: 2,
      eta_seconds: null,
      result: { data: [{ b64_json: base64, seed: 100 }, { seed: 101 }] },
    });
    expect((await app.request(`${jobs}/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect(await errorOf(await app.request(`${jobs}/${id}`))).toMatchObject({
      status: 404,
      code: 'job_not_found',
    });
    expect(await errorOf(await json({ prompt: 'x', image: base64, stream: true }, jobs))).toMatchObject({
      param: 'stream',
    });
  });

  it('are cancelled within a step, and say why they failed', async () => {
    const { json, app, source } = setUp({ stepDelayMs: 5 });
    const start = async (image: string) =>
      ((await (await json({ prompt: 'x', image, steps: 100 }, jobs)).json()) as { id: string }).id;
    const read = async (id: string) => (await (await app.request(`${jobs}/${id}`)).json()) as object;
    const id = await start(base64);
    await until(async () => ((await read(id)) as { step: number }).step > 0);
    const gone = await app.request(`${jobs}/${id}`, { method: 'DELETE' });
    expect(await gone.json()).toMatchObject({ status: 'cancelled' });
    await until(() => source.running === 0);
    expect(await read(id)).toMatchObject({ status: 'cancelled' });
    const failing = await start('AAAA');
    await until(async () => ((await read(failing)) as { status: string }).status === 'failed');
    expect(await read(failing)).toMatchObject({ error: { code: 'invalid_image', param: 'image' } });
  });

  it('are bounded in number and bytes', async () => {
    const limits = { maxImageJobs: 2, maxImageJobBytes: picture.length + 1 };
    const { json, app } = setUp({}, { limits });
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const started = await json({ prompt: 'x', image: base64 }, jobs);
      ids.push(((await started.json()) as { id: string }).id);
      await until(async () =>
        (await (await app.request(`${jobs}/${ids[i]}`)).text()).includes('"completed"'),
      );
    }
    const status = async (id = '') => (await app.request(`${jobs}/${id}`)).status;
    expect(await Promise.all(ids.map(status))).toEqual([404, 404, 200]);
  });
});

describe('the other routes', () => {
  it('list the models, or none', async () => {
    const { app } = setUp();
    expect(await (await app.request('/api/images/models')).json()).toMatchObject({
      data: [
        {
          id: 'fake-edit',
          default: true,
          native_side: 64,
          defaults: { steps: 4, text_guidance: 1.5 },
          limits: { steps: [1, 100], n: [1, 10], instruction_characters: 2000 },
        },
      ],
    });
    const textOnly = createApp({ engines: [new FakeEngine()] });
    expect(await (await textOnly.request('/api/images/models')).json()).toEqual({ data: [] });
    expect((await textOnly.request(path, { method: 'POST' })).status).toBe(404);
  });

  it('make scenes and recall parameters', async () => {
    const { json, form } = setUp();
    expect(await (await json({ seed: 7 }, '/api/images/scene')).json()).toEqual({
      b64_json: 'iVBORw==',
      seed: 7,
      suggestions: ['remove the red cube'],
    });
    expect(await errorOf(await json({ seed: -1 }, '/api/images/scene'))).toMatchObject({ param: 'seed' });
    const recall = '/api/images/recall';
    const parameters = { instruction: 'make it red', seed: 7 };
    expect(await (await form({ image: picture }, {}, recall)).json()).toEqual({ parameters });
    expect(await (await json({ image: base64 }, recall)).json()).toEqual({ parameters });
    expect(await (await json({ image: 'AQID' }, recall)).json()).toEqual({ parameters: null });
    expect(await errorOf(await json({ image: 'AAAA' }, recall))).toMatchObject({ code: 'invalid_image' });
    expect(await errorOf(await form({ picture }, {}, recall))).toMatchObject({ param: 'picture' });
  });
});
