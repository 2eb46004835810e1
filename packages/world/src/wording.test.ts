import { expect, test } from 'vitest';
import { editKinds, instructions } from './wording.js';

const sentences = (wording: 'training' | 'test', a: string, b: string): string[] =>
  editKinds.flatMap((kind) => instructions(kind, wording, a, b));

test.each([
  ['A', 'B'],
  ['the red cube', 'the small blue sphere'],
])('test sentences are new, made of words that training has (%s, %s)', (a, b) => {
  const training = sentences('training', a, b);
  const words = new Set(training.flatMap((sentence) => sentence.split(' ')));
  for (const sentence of sentences('test', a, b)) {
    expect(training).not.toContain(sentence);
    expect(sentence.split(' ').filter((word) => !words.has(word))).toEqual([]);
  }
});

test('every kind has 3 to 6 training and at least 2 test sentences, none twice', () => {
  for (const kind of editKinds) {
    const training = instructions(kind, 'training', 'A', 'B');
    const held = instructions(kind, 'test', 'A', 'B');
    expect(training.length).toBeGreaterThanOrEqual(3);
    expect(training.length).toBeLessThanOrEqual(6);
    expect(held.length).toBeGreaterThanOrEqual(2);
    expect(new Set([...training, ...held]).size).toBe(training.length + held.length);
  }
});
