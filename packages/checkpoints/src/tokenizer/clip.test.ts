import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byteChars } from './byte-chars.js';
import { createClipTokenizer } from './clip.js';
import { readClipTokenizer } from './clip-files.js';

const merges = [
  ['c', 'a'],
  ['ca', 't</w>'],
  ['t', 'h'],
  ['th', 'e</w>'],
  ["'", 's</w>'],
] as const;
const tokens = [
  ...byteChars,
  ...byteChars.map((char) => `${char}</w>`),
  ...merges.map((pair) => pair.join('')),
  '<|startoftext|>',
  '<|endoftext|>',
];
const ids = new Map(tokens.map((token, id) => [token, id]));
const id = (token: string): number => ids.get(token) ?? -1;

describe('CLIP tokenizer', () => {
  const tokenizer = createClipTokenizer({ ids, merges, maxLength: 8 });

  it('merges lower-cased words whose last letter carries the end', () => {
    expect(tokenizer.tokenize('The CAT')).toEqual([id('the</w>'), id('cat</w>')]);
    expect(tokenizer.tokenize('cats')).toEqual([id('ca'), id('t'), id('s</w>')]);
    expect(tokenizer.tokenize("the cat's")).toEqual([id('the</w>'), id('cat</w>'), id("'s</w>")]);
  });

  it('takes digits one by one and runs of signs together', () => {
    expect(tokenizer.tokenize('12')).toEqual([id('1</w>'), id('2</w>')]);
    expect(tokenizer.tokenize('a!?')).toEqual([id('a</w>'), id('!'), id('?</w>')]);
  });

  it('composes letters, ignores white space of any kind and spells the rest in bytes', () => {
    expect(tokenizer.tokenize(' cat\u00a0\n the\t')).toEqual([id('cat</w>'), id('the</w>')]);
    expect(tokenizer.tokenize('e\u0301')).toEqual(tokenizer.tokenize('\u00e9'));
    expect(tokenizer.tokenize('\u00e9')).toEqual([id(byteChars[0xc3] ?? ''), id(`${byteChars[0xa9]}</w>`)]);
    expect(tokenizer.tokenize('\ud800')).toEqual(tokenizer.tokenize('\ufffd'));
    expect(tokenizer.tokenize('')).toEqual([]);
  });

  it('frames, cuts and pads', () => {
    const { bosId, eosId, padId } = tokenizer;
    expect(padId).toBe(eosId);
    expect([...tokenizer.encode('cat')]).toEqual([
      bosId,
      id('cat</w>'),
      eosId,
      padId,
      padId,
      padId,
      padId,
      padId,
    ]);
    expect([...tokenizer.encode('cat '.repeat(20))]).toEqual([
      bosId,
      ...new Array(6).fill(id('cat</w>')),
      eosId,
    ]);
    expect([...tokenizer.encode('')].slice(0, 2)).toEqual([bosId, eosId]);
  });

  it('does not let a text smuggle in special tokens', () => {
    expect(tokenizer.tokenize('<|endoftext|>')).not.toContain(tokenizer.eosId);
  });

  it('survives very long words', () => {
    expect(tokenizer.encode('a'.repeat(2_000_000))).toHaveLength(8);
  });

  it('refuses vocabularies with holes', () => {
    expect(() => createClipTokenizer({ ids: new Map(), merges })).toThrow(/no token "<\|startoftext\|>"/);
    expect(() => createClipTokenizer({ ids, merges: [['xx', 'y']] })).toThrow(/merge 0 joins "xx"/);
    expect(() => createClipTokenizer({ ids, merges: [['x', 'y']] })).toThrow(/no token "xy"/);
    expect(() => createClipTokenizer({ ids, merges, maxLength: 1 })).toThrow(/model_max_length/);
  });
});

describe('readClipTokenizer', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'clip-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (file: string, value: unknown): void =>
    writeFileSync(join(folder, file), typeof value === 'string' ? value : JSON.stringify(value));

  it('reads tokenizer.json, then prefers vocab.json with merges.txt', async () => {
    await expect(readClipTokenizer(folder)).rejects.toMatchObject({ code: 'IO' });
    write('tokenizer.json', {
      model: { vocab: Object.fromEntries(ids), merges: merges.map((pair) => pair.join(' ')) },
    });
    expect((await readClipTokenizer(folder)).encode('the cat')).toHaveLength(77);
    write('vocab.json', Object.fromEntries(ids));
    write('merges.txt', `#version: 0.2\n${merges.map((pair) => pair.join(' ')).join('\n')}\n`);
    write('tokenizer_config.json', { model_max_length: 5, pad_token: { content: '!' } });
    const tokenizer = await readClipTokenizer(folder);
    expect([...tokenizer.encode('cat')]).toEqual([
      tokenizer.bosId,
      id('cat</w>'),
      tokenizer.eosId,
      id('!'),
      id('!'),
    ]);
  });

  it('names the file that is wrong', async () => {
    write('merges.txt', 'a b c');
    await expect(readClipTokenizer(folder)).rejects.toThrow(/merges.txt: "a b c"/);
    write('vocab.json', '[');
    await expect(readClipTokenizer(folder)).rejects.toThrow(/vocab.json is not JSON/);
    write('vocab.json', { a: -1 });
    write('merges.txt', '');
    await expect(readClipTokenizer(folder)).rejects.toThrow(/id of "a"/);
  });
});
