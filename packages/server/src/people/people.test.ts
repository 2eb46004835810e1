import { describe, expect, it } from 'vitest';
import { createApp } from '../app.js';
import { FakeEngine, fakePeople, fakePng } from '../testing/index.js';
import { errorOf, post } from '../testing/requests.js';

function setUp() {
  const people = fakePeople();
  return { people, app: createApp({ engines: [], people }) };
}

async function json(response: Response | Promise<Response>): Promise<unknown> {
  const answer = await response;
  expect(answer.status).toBe(200);
  return answer.json();
}

describe('panels', () => {
  it('says which are there', async () => {
    const panels = async (options: Parameters<typeof createApp>[0]) =>
      json(createApp(options).request('/api/panels'));
    expect(await panels({ engines: [new FakeEngine()] })).toEqual({ text: true, rate: false, review: false });
    const { rating } = fakePeople();
    expect(await panels({ engines: [], people: { rating } })).toEqual({
      text: false,
      rate: true,
      review: false,
    });
  });

  it('has no routes for what is not there', async () => {
    const app = createApp({ engines: [new FakeEngine()] });
    for (const path of ['/api/rate/protocol', '/api/review/info'])
      expect(await errorOf(await app.request(path))).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('works without a text model, and says so where one is asked for', async () => {
    const { app } = setUp();
    expect(await json(app.request('/health'))).toMatchObject({ status: 'ok', models: [] });
    expect(await json(app.request('/v1/models'))).toMatchObject({ data: [] });
    expect(await errorOf(await app.request('/api/info'))).toMatchObject({
      status: 404,
      code: 'model_not_found',
      message: 'This server was started without a text model.',
    });
    const chat = await post(app, '/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }] });
    expect(chat.status).toBe(404);
    expect((await app.request('/metrics')).status).toBe(200);
  });
});

describe('rating', () => {
  it('goes from the protocol to the end and back', async () => {
    const { app, people } = setUp();
    expect(await json(app.request('/api/rate/protocol'))).toMatchObject({ trials: 3, question: 'How well?' });
    const joined = await json(post(app, '/api/rate/raters', { name: 'Ada' }));
    expect(joined).toMatchObject({ token: 'token of Ada', done: 0, trial: { id: 't0' } });
    const rater = 'token of Ada';
    const rated = { rater, trial: 't0', score: 50, comment: 'hm', milliseconds: 900 };
    expect(await json(post(app, '/api/rate/ratings', rated))).toMatchObject({ done: 1, trial: { id: 't1' } });
    expect(people.said).toEqual([{ trial: 't0', score: 50, comment: 'hm', milliseconds: 900 }]);
    await json(post(app, '/api/rate/undo', { rater }));
    expect(people.said).toEqual([]);
    expect(await json(app.request(`/api/rate/state?rater=${encodeURIComponent(rater)}`))).toMatchObject({
      done: 0,
    });
    const picture = await app.request('/api/rate/trials/t0/output');
    expect(picture.headers.get('content-type')).toBe('image/png');
    expect(picture.headers.get('cache-control')).toContain('private');
    expect(new Uint8Array(await picture.arrayBuffer())).toEqual(fakePng);
    expect((await app.request('/api/rate/examples/0/source')).status).toBe(200);
  });

  it('refuses what is wrong, by field', async () => {
    const { app } = setUp();
    await json(post(app, '/api/rate/raters', { name: 'Ada' }));
    const rater = 'token of Ada';
    const refused = async (path: string, body: unknown) => errorOf(await post(app, path, body));
    for (const score of [1, 75, -50, '50', null, undefined])
      expect(await refused('/api/rate/ratings', { rater, trial: 't0', score })).toMatchObject({
        status: 400,
        param: 'score',
      });
    expect(await refused('/api/rate/ratings', { rater, trial: 't2', score: 50 })).toMatchObject({
      status: 409,
      code: 'not_current',
      param: 'trial',
    });
    expect(await refused('/api/rate/ratings', { rater, trial: 't0', score: 0, model: 'x' })).toMatchObject({
      code: 'unknown_parameter',
    });
    expect(await refused('/api/rate/ratings', { rater: 'x', trial: 't0', score: 0 })).toMatchObject({
      status: 404,
      code: 'unknown_person',
    });
    expect(await refused('/api/rate/raters', { name: 'Ada' })).toMatchObject({
      status: 409,
      code: 'name_taken',
      param: 'name',
    });
    expect((await post(app, '/api/rate/raters', { name: 'Ada', resume: true })).status).toBe(200);
    expect(await refused('/api/rate/raters', { name: '' })).toMatchObject({ status: 400, code: 'bad_name' });
    expect(await refused('/api/rate/undo', { rater })).toMatchObject({
      status: 409,
      code: 'nothing_to_undo',
    });
    expect(await errorOf(await app.request('/api/rate/state'))).toMatchObject({
      status: 400,
      param: 'rater',
    });
    for (const path of ['trials/t9x/output', 'examples/9x/source', 'trials/t0/model', 'examples/99/source'])
      expect([400, 404]).toContain((await app.request(`/api/rate/${path}`)).status);
    const broken = await errorOf(await app.request('/api/rate/trials/broken/output'));
    expect(broken).toMatchObject({ status: 500, code: 'bad_image' });
  });
});

describe('review', () => {
  it('shows candidates, takes decisions, hides what only curation needs', async () => {
    const { app, people } = setUp();
    expect(await json(app.request('/api/review/info'))).toEqual({
      reasons: [{ id: 'camera', label: 'The camera moved' }],
      candidates: 2,
    });
    const joined = await json(post(app, '/api/review/annotators', { name: 'Ada' }));
    expect(joined).toMatchObject({
      token: 'token of Ada',
      left: 2,
      candidate: { id: 'c0', clip: 'clip.mp4' },
    });
    expect(JSON.stringify(joined)).not.toContain('secret');
    const annotator = 'token of Ada';
    const accept = { annotator, candidate: 'c0', verdict: 'accept', instruction: 'Move it' };
    expect(await json(post(app, '/api/review/decisions', accept))).toMatchObject({ left: 1 });
    const reject = { annotator, candidate: 'c1', verdict: 'reject', reason: 'camera' };
    expect(await json(post(app, '/api/review/decisions', reject))).toMatchObject({ left: 0 });
    expect(people.said).toHaveLength(2);
    await json(post(app, '/api/review/undo', { annotator }));
    expect(people.said).toHaveLength(1);
    expect(await json(app.request('/api/review/state?annotator=token%20of%20Ada&after=c0'))).toMatchObject({
      left: 1,
    });
    expect((await app.request('/api/review/candidates/c0/input')).status).toBe(200);
  });

  it('refuses decisions that lack their half', async () => {
    const { app } = setUp();
    await json(post(app, '/api/review/annotators', { name: 'Ada' }));
    const decide = async (body: object) =>
      errorOf(
        await post(app, '/api/review/decisions', { annotator: 'token of Ada', candidate: 'c0', ...body }),
      );
    expect(await decide({ verdict: 'accept' })).toMatchObject({ status: 400, param: 'instruction' });
    expect(await decide({ verdict: 'reject' })).toMatchObject({ status: 400, param: 'reason' });
    expect(await decide({ verdict: 'maybe' })).toMatchObject({ status: 400, param: 'verdict' });
  });
});
