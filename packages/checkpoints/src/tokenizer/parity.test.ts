/**
 * Token ids against llama.cpp's, byte for byte, on the golden files that tools/oracles/tokenizers.mjs makes.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openGguf } from '../gguf/read.js';
import type { GgufValue } from '../gguf/values.js';
import { createTokenizer, type Tokenizer } from './tokenizer.js';

const fixtures = join(import.meta.dirname, '../../fixtures');
const suffix = '.golden.jsonl';

interface Variant {
  readonly base: string;
  readonly keys?: Readonly<Record<string, GgufValue>>;
  readonly tokens?: Readonly<Record<string, string>>;
}

interface Golden {
  readonly oracle: string;
  readonly addsBos: boolean;
  readonly variant: Variant;
  readonly cases: readonly { text: string; plain: number[]; special: number[]; decoded: string }[];
}

function readGolden(name: string): Golden {
  const [head, ...lines] = readFileSync(join(fixtures, name + suffix), 'utf8')
    .trimEnd()
    .split('\n');
  const cases = lines.map((line) => {
    const [text, plain, special, decoded] = JSON.parse(line) as [
      string,
      number[],
      number[] | null,
      string | null,
    ];
    return { text, plain, special: special ?? plain, decoded: decoded ?? text };
  });
  return { ...(JSON.parse(head!) as Omit<Golden, 'cases'>), cases };
}

async function openVariant({ base, keys = {}, tokens = {} }: Variant): Promise<Tokenizer> {
  const { metadata } = await openGguf(join(fixtures, `${base}.gguf`));
  const texts = metadata.get('tokenizer.ggml.tokens') as readonly string[];
  const changed = new Map(metadata);
  for (const [key, value] of Object.entries(keys)) changed.set(key, value);
  changed.set(
    'tokenizer.ggml.tokens',
    texts.map((text, id) => tokens[id] ?? text),
  );
  return createTokenizer(changed);
}

const names = readdirSync(fixtures)
  .filter((name) => name.endsWith(suffix))
  .map((name) => name.slice(0, -suffix.length));

/** llama.cpp tidies spaces before punctuation when it decodes these; we hand out the tokens' own bytes. */
const isTidied = (name: string): boolean => /^byte-pair-(default|gpt-2|llama-bpe)$/.test(name);

it('has golden files', () => {
  expect(names.length).toBeGreaterThanOrEqual(9);
});

describe.each(names)('%s', (name) => {
  it('gives the ids of llama.cpp, control tokens as text', async () => {
    const { cases, variant } = readGolden(name);
    const tokenizer = await openVariant(variant);
    expect(cases.length).toBeGreaterThan(300);
    for (const { text, plain } of cases) {
      expect(tokenizer.encode(text, { addSpecial: false }), JSON.stringify(text)).toEqual(plain);
    }
  });

  it('gives the ids of llama.cpp, control tokens recognised', async () => {
    const { cases, variant } = readGolden(name);
    const tokenizer = await openVariant(variant);
    for (const { text, special } of cases) {
      const ids = tokenizer.encode(text, { addSpecial: false, parseSpecial: true });
      expect(ids, JSON.stringify(text)).toEqual(special);
    }
  });

  it('adds BOS when llama.cpp does', async () => {
    const { addsBos, variant } = readGolden(name);
    const tokenizer = await openVariant(variant);
    const plain = tokenizer.encode('Hello', { addSpecial: false });
    expect(tokenizer.encode('Hello')).toEqual(addsBos ? [tokenizer.bosId, ...plain] : plain);
  });

  it('decodes like llama.cpp', async () => {
    const { cases, variant } = readGolden(name);
    const tokenizer = await openVariant(variant);
    for (const { text, plain, decoded } of cases) {
      // Byte-level BPE loses nothing; where llama.cpp does, it is by tidying spaces.
      const expected = isTidied(name) ? text : decoded;
      expect(tokenizer.decode(plain), JSON.stringify(text)).toBe(expected);
    }
  });
});
