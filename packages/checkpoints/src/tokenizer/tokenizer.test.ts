import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { openGguf } from '../gguf/read.js';
import { type AnyMetadata, type GgufInputValue, type GgufMetadata, u32 } from '../gguf/values.js';
import { preTokenizer, preTokenizerNames } from './pre-tokenize.js';
import { createTokenizer, type Tokenizer } from './tokenizer.js';

const fixtures = join(import.meta.dirname, '../../fixtures');
const metadata: Record<string, GgufMetadata> = {};
beforeAll(async () => {
  for (const name of ['sentence-piece', 'byte-pair']) {
    metadata[name] = (await openGguf(join(fixtures, `${name}.gguf`))).metadata;
  }
});

function tokenizer(name: string, changes: Record<string, GgufInputValue> = {}): Tokenizer {
  return createTokenizer(
    new Map<string, unknown>([...metadata[name]!, ...Object.entries(changes)]) as AnyMetadata,
  );
}

const anyText = fc.string({ unit: 'binary', maxLength: 60 });
const words = fc.array(
  fc.constantFrom(' ', '  ', 'the', ' of', '\n', 'é', '漢字', '😀', '1234', "'s", '▁', '\t'),
  {
    maxLength: 20,
  },
);

describe('byte-level BPE', () => {
  it.each(preTokenizerNames)('gives back every text: %s', (pre) => {
    const instance = tokenizer('byte-pair', { 'tokenizer.ggml.pre': pre });
    const roundTrip = (text: string): void => {
      const ids = instance.encode(text, { addSpecial: false });
      expect(instance.decode(ids)).toBe(text);
    };
    fc.assert(fc.property(anyText, roundTrip), { numRuns: 100 });
    fc.assert(
      fc.property(
        words.map((list) => list.join('')),
        roundTrip,
      ),
      { numRuns: 100 },
    );
  });

  it('splits into pieces that concatenate to the text', () => {
    for (const name of preTokenizerNames) {
      const property = fc.property(anyText, (text) => {
        const pieces: string[] = [];
        preTokenizer(name).split(text, (piece) => pieces.push(piece));
        expect(pieces.join('')).toBe(text);
        expect(pieces).not.toContain('');
      });
      fc.assert(property, { numRuns: 30 });
    }
  });

  it('counts lone surrogates as U+FFFD', () => {
    const instance = tokenizer('byte-pair');
    expect(instance.decode(instance.encode('a\ud800b\udc00', { addSpecial: false }))).toBe('a\ufffdb\ufffd');
  });

  it.each(
    preTokenizerNames.filter((name) =>
      /^(default|gpt-2|smollm|llama-bpe|qwen|tekken|gpt-4o|deepseek)/.test(name),
    ),
  )('splits megabytes of one character class: %s', (pre) => {
    // Unbounded, the pattern would overflow the regular expression engine's stack.
    for (const run of ['字', '\u{10400}']) {
      const text = run.repeat(2 ** 23 / run.length);
      let length = 0;
      preTokenizer(pre).split(text, (piece) => {
        length += piece.length;
      });
      expect(length).toBe(text.length);
    }
  });

  it('names the supported pre-tokenizers when it meets another', () => {
    const create = () => tokenizer('byte-pair', { 'tokenizer.ggml.pre': 'bloom' });
    expect(create).toThrow(
      /"tokenizer.ggml.pre".*"bloom" is not supported; supported: default, gpt-2, .*qwen2/,
    );
  });
});

describe('SentencePiece', () => {
  it('gives back every text but for the leading space', () => {
    const instance = tokenizer('sentence-piece', { 'tokenizer.ggml.add_space_prefix': false });
    const withPrefix = tokenizer('sentence-piece');
    const property = fc.property(
      fc.oneof(
        anyText,
        words.map((list) => list.join('')),
      ),
      (text) => {
        const isExact = !text.includes('▁'); // an escaped space cannot be told from a space
        const expected = isExact ? text : text.replaceAll('▁', ' ');
        expect(instance.decode(instance.encode(text, { addSpecial: false }))).toBe(expected);
        expect(withPrefix.decode(withPrefix.encode(text, { addSpecial: false }))).toBe(expected);
      },
    );
    // [TOOL] is a user-defined token: the text after it gets a space of its own.
    fc.assert(property, { numRuns: 500 });
  });

  it('writes unknown characters as bytes, or as the unknown token without byte tokens', () => {
    const instance = tokenizer('sentence-piece', { 'tokenizer.ggml.add_space_prefix': false });
    const texts = instance.encode('𒀀', { addSpecial: false }).map((id) => instance.tokenText(id));
    expect(texts).toEqual(['<0xF0>', '<0x92>', '<0x80>', '<0x80>']);

    const tokens = ['<unk>', '<s>', '</s>', 'a', '▁'];
    const bare = createTokenizer(
      new Map<string, GgufInputValue>([
        ['tokenizer.ggml.model', 'llama'],
        ['tokenizer.ggml.tokens', tokens],
      ]),
    );
    expect(bare.encode('aé', { addSpecial: false })).toEqual([4, 3, 0, 0]);
  });

  it('keeps the space of a continuation in the stream decoder', () => {
    const instance = tokenizer('sentence-piece');
    const ids = instance.encode('Hello world', { addSpecial: false });
    const decoder = instance.streamDecoder();
    expect(ids.map((id) => decoder.push(id)).join('') + decoder.end()).toBe(' Hello world');
    expect(instance.decode(ids)).toBe('Hello world');
  });
});

describe.each(['byte-pair', 'sentence-piece'])('the stream decoder of %s', (name) => {
  it('never emits half a character and ends where decode does', () => {
    const instance = tokenizer(name, { 'tokenizer.ggml.add_space_prefix': false });
    const id = fc.integer({ min: 0, max: instance.vocabSize - 1 });
    const text = fc
      .string({ unit: 'binary', maxLength: 20 })
      .map((value) => instance.encode(value, { addSpecial: false }));
    const property = fc.property(fc.oneof(fc.array(id, { maxLength: 30 }), text), (ids) => {
      const decoder = instance.streamDecoder();
      const pieces = ids.map((token) => decoder.push(token));
      for (const piece of pieces) expect(piece).not.toMatch(/\p{Surrogate}/u);
      expect(pieces.join('') + decoder.end()).toBe(instance.decode(ids));
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('holds back an unfinished character and gives it up at the end', () => {
    const instance = tokenizer(name, { 'tokenizer.ggml.add_space_prefix': false });
    const ids = instance.encode('𒀀', { addSpecial: false });
    expect(ids).toHaveLength(4);
    const decoder = instance.streamDecoder();
    expect(ids.map((token) => decoder.push(token))).toEqual(['', '', '', '𒀀']);
    expect(decoder.push(ids[0]!)).toBe('');
    expect(decoder.end()).toBe('\ufffd');
    expect(decoder.push(instance.encode('x', { addSpecial: false })[0]!)).toBe('x');
  });
});

describe.each(['byte-pair', 'sentence-piece'])('special tokens of %s', (name) => {
  it('are recognised only on request', () => {
    const instance = tokenizer(name);
    const [end] = instance.encode('<|im_end|>', { addSpecial: false, parseSpecial: true });
    expect(instance.tokenText(end!)).toBe('<|im_end|>');
    expect(instance.isEndOfGeneration(end!)).toBe(true);
    expect(instance.isEndOfGeneration(instance.eosId!)).toBe(true);
    expect(instance.isEndOfGeneration(300)).toBe(false);
    expect(instance.encode('<|im_end|>', { addSpecial: false })).not.toContain(end);
  });

  it('are shown only on request', () => {
    const instance = tokenizer(name);
    const ids = instance.encode('<|im_end|>', { addSpecial: false, parseSpecial: true });
    expect(instance.decode(ids)).toBe('');
    expect(instance.decode(ids, { renderSpecial: true })).toBe('<|im_end|>');
    expect(instance.tokenBytes(ids[0]!)).toHaveLength(0);
  });

  it('are added where the file asks for them', () => {
    const instance = tokenizer(name, {
      'tokenizer.ggml.add_bos_token': true,
      'tokenizer.ggml.add_eos_token': true,
    });
    const ids = instance.encode('a');
    expect([ids[0], ids.at(-1)]).toEqual([instance.bosId, instance.eosId]);
    expect(instance.encode('')).toEqual([instance.bosId, instance.eosId]);
    expect(instance.encode('', { addSpecial: false })).toEqual([]);
  });

  it('refuses ids outside the vocabulary', () => {
    const instance = tokenizer(name);
    for (const id of [-1, instance.vocabSize, 0.5, Number.NaN]) {
      expect(() => instance.decode([id])).toThrow(/not in the vocabulary/);
    }
  });
});

describe('createTokenizer', () => {
  it.each<[string, RegExp, Record<string, GgufInputValue>]>([
    ['another model', /"bert" is not supported; supported: llama, gpt2/, { 'tokenizer.ggml.model': 'bert' }],
    [
      'tokens of a wrong type',
      /"tokenizer.ggml.tokens" must be an array of strings/,
      { 'tokenizer.ggml.tokens': u32(1) },
    ],
    ['no tokens', /"tokenizer.ggml.tokens" is missing/, { 'tokenizer.ggml.tokens': [] }],
    ['one token twice', /"a" is both 0 and 2/, { 'tokenizer.ggml.tokens': ['a', 'b', 'a'] }],
    [
      'too few token types',
      /token_type" has 1 entries for/,
      { 'tokenizer.ggml.token_type': Int32Array.of(1) },
    ],
    ['a merge of one token', /merges": entry 1 is "cd"/, { 'tokenizer.ggml.merges': ['a b', 'cd'] }],
    [
      'BOS wanted but not named',
      /"tokenizer.ggml.bos_token_id" names none/,
      { 'tokenizer.ggml.add_bos_token': true, 'tokenizer.ggml.bos_token_id': u32(1e6) },
    ],
  ])('refuses %s', (_, message, changes) => {
    expect(() => tokenizer('byte-pair', changes)).toThrow(message);
  });

  it('refuses scores that are none', () => {
    const scores = new Float32Array(3);
    expect(() => tokenizer('sentence-piece', { 'tokenizer.ggml.scores': scores })).toThrow(
      /scores" has 3 entries/,
    );
    const count = (metadata['sentence-piece']!.get('tokenizer.ggml.tokens') as readonly string[]).length;
    const absurd = { 'tokenizer.ggml.scores': new Float32Array(count).fill(Number.NaN) };
    expect(() => tokenizer('sentence-piece', absurd)).toThrow(/NaN/);
  });

  it('needs a vocabulary', () => {
    expect(() => createTokenizer(new Map())).toThrow(/"tokenizer.ggml.model" is missing/);
  });
});
