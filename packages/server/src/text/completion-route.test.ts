import { describe, expect, it } from 'vitest';
import { until } from '../testing/index.js';
import { appWith, chatPath, errorOf, post } from '../testing/requests.js';

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

  it('names all fields that are not supported yet at once', async () => {
    const { app } = appWith();
    const messageFor = async (body: object) =>
      (await errorOf(await post(app, path, { prompt: 'a', ...body }))).message;
    expect(await messageFor({ n: 2 })).toBe("'n' is not supported yet; leave it out or send 1.");
    expect(await messageFor({ logprobs: 0 })).toBe("'logprobs' is not supported yet; leave it out.");
    expect(
      await errorOf(await post(app, path, { prompt: 'a', suffix: 'b', best_of: 2, n: 2 })),
    ).toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param: 'n',
      message: "'n', 'best_of' and 'suffix' are not supported yet; leave them out.",
    });
    expect(await messageFor({ n: 2, suffix: 'b', temperature: 3 })).toMatch(/^'temperature': /);
  });

  it('names its own bound for a huge max_tokens', async () => {
    const { app } = appWith();
    const error = await errorOf(await post(app, path, { prompt: 'a', max_tokens: 1e300 }));
    expect(error).toMatchObject({ status: 400, code: 'invalid_value', param: 'max_tokens' });
    expect(error.message).toContain('2147483647');
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
    expect((await post(app, chatPath, `{"messages":${numbers}}`)).status).toBe(400);
  });
});
