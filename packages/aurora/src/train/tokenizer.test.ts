import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readClipTokenizer } from '@triptych/checkpoints';
import { colours, editKinds, floors, instructions, shapes } from '@triptych/world';
import { expect, it } from 'vitest';
import { writeWordTokenizer } from './tokenizer.js';

it('makes one token of every word, and covers all that the held-out wordings say', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'triptych-tokenizer-'));
  const named = [...Object.keys(colours), ...Object.keys(floors), ...shapes].map((word) => `the ${word}`);
  const trained = editKinds.flatMap((kind) => instructions(kind, 'training', 'the cube', 'red'));
  const size = await writeWordTokenizer(folder, [...named, ...trained], 24);
  const tokenizer = await readClipTokenizer(folder);
  expect([tokenizer.vocabSize, tokenizer.bosId, tokenizer.eosId, tokenizer.maxLength]).toEqual([
    size,
    size - 2,
    size - 1,
    24,
  ]);
  const held = editKinds.flatMap((kind) => instructions(kind, 'test', 'the cube', 'red'));
  for (const text of [...named, ...trained, ...held]) {
    const words = text.match(/[a-z]+/g) ?? [];
    const letters = text.match(/[a-z]+|\S/g) ?? [];
    if (letters.length === words.length) expect(tokenizer.tokenize(text)).toHaveLength(words.length);
  }
  expect(tokenizer.tokenize('zebra').length).toBeGreaterThan(1);
});
