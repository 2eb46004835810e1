import { EngineError } from '@triptych/llm';
import { KvError } from '@triptych/vattention';
import { expect, it } from 'vitest';
import { loadEngine } from './load.js';
import { testRuntime } from './testing/runtime.js';

async function failure(error: Error): Promise<unknown> {
  const { runtime } = testRuntime();
  const loading = loadEngine(
    { ...runtime, loadEngine: () => Promise.reject(error) },
    { model: 'a.gguf' },
    new AbortController().signal,
  );
  return loading.catch((caught: unknown) => caught);
}

it('speaks of flags where the engine speaks of options', async () => {
  const tooLong = 'contextLength must be a whole number from 1 to 512, got 1024';
  expect(
    await failure(new EngineError('invalid_request', tooLong, { field: 'contextLength' })),
  ).toMatchObject({
    name: 'EngineError',
    code: 'invalid_request',
    field: 'contextLength',
    message: '--context must be a whole number from 1 to 512, got 1024',
  });
  const tooMany = 'slots * maxTokens needs 200 TiB: lower one of them';
  expect(await failure(new KvError('invalid_geometry', tooMany))).toMatchObject({
    code: 'invalid_geometry',
    message: '--max-sequences * --context needs 200 TiB: lower one of them',
  });
  const page = "pageGroupBytes must be at least this system's page of 65536 bytes";
  expect(await failure(new KvError('invalid_geometry', page))).toMatchObject({
    message: "--page-group must be at least this system's page of 65536 bytes",
  });
});

it('leaves other errors alone', async () => {
  const error = new Error('slots of /tmp/maxTokens.gguf');
  expect(await failure(error)).toBe(error);
  expect(error.message).toBe('slots of /tmp/maxTokens.gguf');
});

it.each([
  [{}, 'The context is cut from 2048 to 16 tokens: KV memory holds no more. Raise --kv-memory.\n'],
  [{ context: 16 }, ''],
  [{ quiet: true }, ''],
])('says that memory cuts the context, with flags %j', async (flags, words) => {
  const test = testRuntime({ info: { contextLength: 16, trainedContextLength: 2048 }, isTerminal: false });
  await loadEngine(test.runtime, { model: 'a.gguf', ...flags }, new AbortController().signal);
  expect(test.stderr()).toBe(words);
});

it('names the file that is broken', async () => {
  const broken = Object.assign(new Error('not a GGUF file'), { name: 'CheckpointError' });
  expect(await failure(broken)).toMatchObject({
    message: expect.stringMatching(/\/a\.gguf: not a GGUF file$/),
  });
});
