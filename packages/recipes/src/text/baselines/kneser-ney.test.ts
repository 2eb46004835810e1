import { spawnSync } from 'node:child_process';
import { Random } from '@triptych/graph';
import { describe, expect, it } from 'vitest';
import { KneserNey } from './kneser-ney.js';
import { NgramTrie } from './ngram-trie.js';
import { xzSize } from './xz.js';

const SYMBOLS = 4;
const random = new Random(7);
/** A text with structure: each symbol tends to follow from the two before it. */
const text = (length: number): number[] => {
  const symbols = [0, 1];
  while (symbols.length < length) {
    const likely = ((symbols.at(-1) ?? 0) + 2 * (symbols.at(-2) ?? 0)) % SYMBOLS;
    symbols.push(random.uniform() < 0.7 ? likely : random.below(SYMBOLS));
  }
  return symbols;
};

describe('NgramTrie', () => {
  it('counts n-grams and the symbols in front of them as a plain search does', () => {
    const texts = [text(300), text(200)];
    const trie = new NgramTrie(3);
    for (const symbols of texts) trie.add(symbols);
    const occurrences = (ngram: readonly number[]): number[] =>
      texts.flatMap((symbols) =>
        symbols.flatMap((_, start) =>
          ngram.every((value, k) => symbols[start + k] === value) ? [symbols[start - 1] ?? -1] : [],
        ),
      );
    for (let trial = 0; trial < 100; trial++) {
      const ngram = Array.from({ length: 1 + random.below(3) }, () => random.below(SYMBOLS));
      const node = ngram.reduce((at, symbol) => (at < 0 ? -1 : trie.find(at, symbol)), 0);
      const before = occurrences(ngram);
      expect(node < 0 ? 0 : trie.countOf(node)).toBe(before.length);
      if (node >= 0 && ngram.length < 3) {
        expect(trie.continuationsOf(node)).toBe(new Set(before.filter((symbol) => symbol >= 0)).size);
      }
    }
  });

  it('grows past its first capacity without losing anything', () => {
    const trie = new NgramTrie(2);
    const symbols = Array.from({ length: 150_000 }, (_, index) => index);
    trie.add(symbols);
    expect(trie.nodeCount).toBe(1 + 150_000 + 149_999);
    for (const symbol of [0, 1, 77_777, 149_998]) {
      expect(trie.countOf(trie.find(trie.find(0, symbol), symbol + 1))).toBe(1);
    }
  });
});

describe('KneserNey', () => {
  const model = new KneserNey([text(3000)], 3, SYMBOLS);

  it('gives probabilities that add up to one after any context', () => {
    for (let trial = 0; trial < 50; trial++) {
      let contexts = [0];
      for (let k = 0; k < random.below(6); k++) contexts = model.extend(contexts, random.below(SYMBOLS));
      const sum = [0, 1, 2, 3].reduce((total, symbol) => total + model.probability(contexts, symbol), 0);
      expect(sum).toBeCloseTo(1, 10);
    }
  });

  it('comes near the entropy of the source', () => {
    // With probability 0.7 the likely symbol, else one of four at random.
    const entropy = -(0.775 * Math.log2(0.775) + 3 * 0.075 * Math.log2(0.075));
    const fresh = text(20_000);
    expect(model.bits(fresh) / fresh.length).toBeLessThan(1.05 * entropy);
    expect(model.bits(fresh) / fresh.length).toBeGreaterThan(0.97 * entropy);
  });

  it('gives unseen symbols a probability', () => {
    const narrow = new KneserNey([[1, 2, 1, 2, 1, 1, 2, 2, 1]], 2, 100);
    expect(narrow.bits([57])).toBeGreaterThan(0);
    expect(Number.isFinite(narrow.bits([57, 1, 2, 99]))).toBe(true);
  });
});

/** The recipe needs xz, the tests of everything else do not. */
const isXzMissing = spawnSync('xz', ['--version']).status !== 0;

describe.skipIf(isXzMissing)('xzSize', () => {
  it('sees repetition', async () => {
    const block = Uint8Array.from(text(5000));
    const once = await xzSize(block);
    const twice = await xzSize(Buffer.concat([block, block]));
    expect(once).toBeGreaterThan(500);
    expect(twice - once).toBeLessThan(once / 10);
  });
});
