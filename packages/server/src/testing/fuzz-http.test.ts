import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkCase, fuzzCase, fuzzTarget } from './fuzz-http.js';

interface CorpusEntry {
  readonly name: string;
  readonly path: string;
  readonly contentType?: string;
  readonly text?: string;
  readonly base64?: string;
  readonly status: number;
}

const corpusFile = new URL('../../fixtures/http-corpus.json', import.meta.url);
const corpus = JSON.parse(readFileSync(corpusFile, 'utf8')) as CorpusEntry[];

describe('hostile bodies', () => {
  it.each(corpus)(
    'corpus: $name',
    async ({ path, contentType = 'application/json', text, base64, status }) => {
      const target = fuzzTarget();
      const body = base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');
      expect(await checkCase(target, { path, contentType, body })).toBeUndefined();
      const response = await target.app.request(path, {
        method: 'POST',
        headers: { 'content-type': contentType },
        body,
      });
      expect(response.status).toBe(status);
    },
  );

  it('2,000 seeded cases get a typed answer', async () => {
    const target = fuzzTarget();
    for (let index = 0; index < 2000; index++) {
      const problem = await checkCase(target, fuzzCase(7, index));
      expect(problem, `case ${index}`).toBeUndefined();
    }
  });

  it('the generator reaches both sides of every check', async () => {
    const { app } = fuzzTarget();
    const counts = new Map<number, number>();
    for (let index = 0; index < 2000; index++) {
      const { path, contentType, body } = fuzzCase(8, index);
      const headers: Record<string, string> =
        contentType === undefined ? {} : { 'content-type': contentType };
      const { status } = await app.request(path, { method: 'POST', headers, body: new Uint8Array(body) });
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    for (const status of [200, 202, 400, 404, 413, 415]) expect(counts.get(status) ?? 0).toBeGreaterThan(0);
    expect(counts.get(200) ?? 0).toBeGreaterThan(300);
  });

  it('any JSON at all gets a typed answer', async () => {
    const target = fuzzTarget();
    const paths = fc.constantFrom('/v1/chat/completions', '/v1/completions', '/v1/images/edits');
    const fields = fc.dictionary(
      fc.constantFrom(
        'messages',
        'prompt',
        'stop',
        'stream',
        'temperature',
        'model',
        'tools',
        'stream_options',
        'image',
        'images',
        'size',
      ),
      fc.jsonValue(),
    );
    await fc.assert(
      fc.asyncProperty(paths, fc.oneof(fields, fc.jsonValue()), async (path, value) => {
        const body = Buffer.from(JSON.stringify(value));
        expect(await checkCase(target, { path, contentType: 'application/json', body })).toBeUndefined();
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});
