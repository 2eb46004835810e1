/**
 * Parity with llama.cpp on the same files. Golden files and how they are made: tools/oracles/llama-cpp.mjs.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { availableIsas } from '@triptych/native';
import { afterEach, describe, expect, test } from 'vitest';
import { generate, loadTiny } from './testing.js';
import { TextEngine } from './text-engine.js';

interface LogitsGolden {
  readonly oracle: string;
  readonly vocab: number;
  /** `logits`: base64 of float32 little-endian [tokens, vocab]. */
  readonly sequences: readonly { readonly tokens: readonly number[]; readonly logits: string }[];
}

interface GreedyGolden {
  readonly oracle: string;
  /** Of the GGUF file, from the repository's root. */
  readonly model: string;
  readonly modelSha256: string;
  readonly continuations: readonly {
    readonly text: string;
    readonly prompt: readonly number[];
    readonly tokens: readonly number[];
    /** Per step the two best [token, logit]. */
    readonly best: readonly (readonly [
      first: readonly [number, number],
      second: readonly [number, number],
    ])[];
  }[];
}

const root = path.join(import.meta.dirname, '../../..');
const fixtures = path.join(import.meta.dirname, '../fixtures');

function goldens(ending: string): string[] {
  return readdirSync(fixtures)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length));
}

function readGolden<T>(file: string): T {
  return JSON.parse(readFileSync(path.join(fixtures, file), 'utf8')) as T;
}

function decodeFloats(base64: string): Float32Array {
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer);
}

/** Log-probabilities of one row of logits, in double precision. */
function logSoftmax(logits: Float32Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
  return Float64Array.from(logits, (value) => value - largest - Math.log(sum));
}

/** Kullback-Leibler divergence of `actual` from `expected`, both logits [vocab]. */
function divergence(expected: Float32Array, actual: Float32Array): number {
  const p = logSoftmax(expected);
  const q = logSoftmax(actual);
  return p.reduce((total, logP, i) => total + Math.exp(logP) * (logP - q[i]!), 0);
}

const open: TextEngine[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((engine) => engine.close()));
});

const tinyNames = goldens('.logits.json');

test('there is a golden file for every weight type and feature', () => {
  const wanted = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'tied', 'mixed', 'ropefreqs', 'ropelinear'];
  expect(tinyNames.sort()).toEqual(wanted.map((name) => `tiny-${name}`).sort());
});

describe.each(tinyNames)('%s', (name) => {
  const golden = readGolden<LogitsGolden>(`${name}.logits.json`);

  // Both engines round activations to 8 bits for Q8_0 and Q4_0 and may round differently; exact arithmetic on the same
  // weights is up to 7e-4 from the oracle there, up to 4e-5 elsewhere (bf16), below 1e-6 for F32 and F16.
  const bound = /f16|f32|ropelinear/.test(name) && !name.includes('bf16') ? 1e-5 : 1e-3;

  test.each(availableIsas())(`next-token distributions agree with ${golden.oracle} (%s)`, async (isa) => {
    const engine = await loadTiny(name.replace('tiny-', ''), { isa });
    open.push(engine);
    for (const { tokens, logits } of golden.sequences) {
      const expected = decodeFloats(logits);
      const actual = await engine.debugLogits(tokens);
      expect(actual.length).toBe(expected.length);
      const divergences = tokens.map((_, position) => {
        const row = [position * golden.vocab, (position + 1) * golden.vocab] as const;
        return divergence(expected.subarray(...row), actual.subarray(...row));
      });
      expect(Math.max(...divergences)).toBeLessThan(bound);
    }
  });
});

describe.each(goldens('.greedy.json'))('%s', (name) => {
  const golden = readGolden<GreedyGolden>(`${name}.greedy.json`);
  const file = path.join(root, golden.model);

  test('was made from the model that is here', () => {
    // If not: node tools/oracles/llama-cpp.mjs greedy <model>
    expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(golden.modelSha256);
  });

  test(`greedy continuations agree with ${golden.oracle}`, async () => {
    const engine = await TextEngine.load(file, { kvMemoryBytes: 256 << 20 });
    open.push(engine);
    for (const { text, prompt, tokens, best } of golden.continuations) {
      expect(engine.tokenize(text)).toEqual(prompt);
      const maxTokens = tokens.length;
      const ours = (await generate(engine, { prompt, maxTokens, temperature: 0, ignoreEos: true })).tokens;
      expect(ours.length).toBe(maxTokens);
      const firstDifference = ours.findIndex((token, i) => token !== tokens[i]);
      if (firstDifference === -1) continue;
      // Only a near tie may be decided differently, and only between the oracle's two best.
      const [[, bestLogit], [second, secondLogit]] = best[firstDifference]!;
      expect(ours[firstDifference], `prompt ${JSON.stringify(text)}, token ${firstDifference}`).toBe(second);
      expect(bestLogit - secondLogit).toBeLessThanOrEqual(1e-2);
    }
  });
});
