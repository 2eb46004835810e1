import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseGguf } from '../gguf/parse.js';
import { fuzzCase, runCase } from './gguf-fuzz.js';
import { bytePairSample, everyTypeSample, sentencePieceSample } from './gguf-samples.js';

const corpusPath = join(import.meta.dirname, '../../fixtures/gguf-corpus.json');
const corpus = JSON.parse(readFileSync(corpusPath, 'utf8')) as {
  outcome: string;
  from: string;
  bytes: string;
}[];

describe('hostile GGUF headers', () => {
  it.each(corpus)('$outcome ($from)', ({ outcome, bytes }) => {
    expect(runCase(Buffer.from(bytes, 'base64'))).toBe(outcome);
  });

  it('refuses or reads 2000 fresh cases', () => {
    const outcomes = new Set<string>();
    for (let index = 0; index < 2000; index++) outcomes.add(runCase(fuzzCase(20261123, index)));
    expect(outcomes).toContain('ok');
    expect(outcomes.size).toBeGreaterThan(5);
  });

  it.each([
    ['sentence piece', sentencePieceSample()],
    ['byte pair', bytePairSample()],
    ['every type', everyTypeSample()],
  ])('survives every single flipped bit of a header: %s', (_, sample) => {
    let okCount = 0;
    const { dataOffset } = parseGguf(sample);
    for (let at = 0; at < dataOffset; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = sample.slice();
        damaged[at] = damaged[at]! ^ (1 << bit);
        if (runCase(damaged) === 'ok') okCount++;
      }
    }
    expect(okCount).toBeGreaterThan(0);
  });

  it.each([
    ['sentence piece', sentencePieceSample()],
    ['byte pair', bytePairSample()],
    ['every type', everyTypeSample()],
  ])('refuses every truncation: %s', (_, sample) => {
    // Only the padding after the last tensor may be missing.
    for (let length = 0; length < sample.length - 32; length++) {
      expect(runCase(sample.subarray(0, length))).toMatch(/^GGUF_TRUNCATED$/);
    }
  });
});
