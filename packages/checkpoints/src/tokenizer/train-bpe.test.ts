import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from './tokenizer.js';
import { trainByteLevelBpe } from './train-bpe.js';

const text =
  'low low low low low lower lower newest newest newest newest newest newest widest widest widest ';

/** The slow oracle: counts all pairs of all words before every merge. */
function trainNaively(words: readonly string[], mergeCount: number): string[] {
  const list = words.map((word) => [...word]);
  const merges: string[] = [];
  while (merges.length < mergeCount) {
    const counts = new Map<string, number>();
    for (const word of list) {
      for (let i = 0; i + 1 < word.length; i++) {
        const pair = `${word[i]} ${word[i + 1]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const highest = Math.max(0, ...counts.values());
    if (highest < 2) return merges;
    merges.push(
      [...counts]
        .filter(([, count]) => count === highest)
        .map(([pair]) => pair)
        .join('|'),
    );
    const [left, right] = merges.at(-1)!.split('|')[0]!.split(' ');
    for (const word of list) {
      for (let i = 0; i + 1 < word.length; i++) {
        if (word[i] === left && word[i + 1] === right) word.splice(i, 2, left! + right!);
      }
    }
  }
  return merges;
}

describe('trainByteLevelBpe', () => {
  it('merges the most frequent pair first', async () => {
    const { merges } = await trainByteLevelBpe({ texts: [text], vocabSize: 257 + 4 });
    // newest and widest share "es" and "est": 9 times each; of equals the one seen first.
    expect(merges.slice(0, 2)).toEqual(['e s', 'es t']);
  });

  it('agrees with counting from scratch', async () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 12 });
    const property = fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 12 }), async (words) => {
      // Words of one text, split by newlines, which do not merge with letters.
      const { merges } = await trainByteLevelBpe({ texts: [words.join('\n')], vocabSize: 257 + 8 });
      const letters = merges.filter((merge) => !merge.includes('Ċ'));
      const candidates = trainNaively(words, letters.length);
      // Of equally frequent pairs either may come first; compare as long as there is no tie.
      for (const [i, merge] of letters.entries()) {
        expect(candidates[i]!.split('|')).toContain(merge);
        if (candidates[i]!.includes('|')) return;
      }
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it('makes a vocabulary that a tokenizer works with', async () => {
    const { tokens, merges, metadata } = await trainByteLevelBpe({
      texts: [text, text],
      vocabSize: 300,
      specialTokens: ['<|endoftext|>', '<|user|>'],
      pre: 'smollm',
    });
    expect(tokens.slice(0, 3)).toEqual(['<|endoftext|>', '<|user|>', 'Ā']);
    expect(tokens.length).toBeLessThanOrEqual(300);
    expect(tokens.length).toBe(258 + merges.length);
    const tokenizer = createTokenizer(metadata);
    const ids = tokenizer.encode('newest lower é', { addSpecial: false });
    expect(tokenizer.decode(ids)).toBe('newest lower é');
    expect(ids.length).toBeLessThan(10);
    expect(tokenizer.encode('<|user|>', { parseSpecial: true })).toEqual([1]);
    expect(tokenizer.isEndOfGeneration(0)).toBe(true);
  });

  it('is deterministic and stops when nothing repeats', async () => {
    const options = { texts: ['abcdefg'], vocabSize: 1000 };
    const once = await trainByteLevelBpe(options);
    expect(once.merges).toEqual([]);
    const twice = await Promise.all([1, 2].map(() => trainByteLevelBpe({ texts: [text], vocabSize: 280 })));
    expect(twice[0]!.merges).toEqual(twice[1]!.merges);
  });

  it('reports progress and stops when aborted', async () => {
    const phases = new Set<string>();
    const abort = new AbortController();
    const training = trainByteLevelBpe({
      texts: [text, 'some more words so some more merges'],
      vocabSize: 290,
      signal: abort.signal,
      onProgress: ({ phase }) => {
        phases.add(phase);
        if (phase === 'merge') abort.abort(new Error('enough'));
      },
    });
    await expect(training).rejects.toThrow('enough');
    expect([...phases]).toEqual(['count', 'merge']);
  });

  it('refuses options that make no vocabulary', async () => {
    const train = (options: object) => trainByteLevelBpe({ texts: [text], vocabSize: 300, ...options });
    await expect(train({ vocabSize: 256 })).rejects.toThrow(/at least 257/);
    await expect(train({ vocabSize: 1.5 })).rejects.toMatchObject({ code: 'ARGUMENT' });
    await expect(train({ specialTokens: ['ab', 'ab'] })).rejects.toThrow(/"ab"/);
    await expect(train({ pre: 'nope' })).rejects.toMatchObject({ code: 'TOKENIZER' });
  });
});
