import { expect, test } from 'vitest';
import { resolveSampling } from './request.js';
import { Sequence, type SequenceOptions } from './sequence.js';
import { buildBatch } from './step-batch.js';

const decoder = (pieces: readonly string[], rest = ''): SequenceOptions['decoder'] => ({
  push: (token) => pieces[token] ?? '',
  end: () => rest,
});

function sequence(part: Partial<SequenceOptions>): Sequence {
  return new Sequence({
    id: 1,
    prompt: [0],
    maxTokens: 10,
    sampling: resolveSampling({ seed: 0 }),
    stops: [],
    isEnd: () => false,
    decoder: decoder([]),
    ...part,
  });
}

test('a stop string that only the end of the text completes is the reason', async () => {
  const one = sequence({ maxTokens: 1, stops: ['b!'], decoder: decoder(['ab'], '!c') });
  expect(one.accept(0)).toBe('stop');
  expect(await one.events.take()).toEqual([
    { type: 'text', text: 'a', tokens: [0] },
    { type: 'finish', reason: 'stop', usage: { promptTokens: 1, completionTokens: 1 } },
  ]);
});

test('the end of the text comes out with the last tokens', async () => {
  const one = sequence({ maxTokens: 2, stops: ['never'], decoder: decoder(['a ne', ''], '\ufffd') });
  expect(one.accept(0)).toBeUndefined();
  expect(one.accept(1)).toBe('length');
  expect(await one.events.take()).toEqual([
    { type: 'text', text: 'a ', tokens: [0] },
    { type: 'text', text: 'ne\ufffd', tokens: [1] },
    { type: 'finish', reason: 'length', usage: { promptTokens: 1, completionTokens: 2 } },
  ]);
});

test('tokens without a text of their own come out too, at the latest at the end', async () => {
  const one = sequence({ maxTokens: 3, decoder: decoder(['a', '', '']) });
  for (const token of [0, 1, 2]) one.accept(token);
  expect(await one.events.take()).toEqual([
    { type: 'text', text: 'a', tokens: [0] },
    { type: 'text', text: '', tokens: [1, 2] },
    { type: 'finish', reason: 'length', usage: { promptTokens: 1, completionTokens: 3 } },
  ]);
});

test('prompt tokens count once, however often they are computed', () => {
  const one = sequence({ prompt: [1, 2, 3, 4, 5] });
  expect([one.advance(3), one.advance(2)]).toEqual([3, 2]);
  one.accept(0);
  expect(one.advance(1)).toBe(0);
  one.computed = 0; // preempted
  expect(one.advance(6)).toBe(0);
  expect(one.computed).toBe(6);
});

test('penalties over a very long text', () => {
  const one = sequence({ sampling: resolveSampling({ seed: 0, frequencyPenalty: 1 }) });
  for (let i = 0; i < 200_000; i++) one.ids.push(0);
  one.computed = one.tokens - 1;
  const { batch } = buildBatch([{ sequence: one, count: 1, slotOffset: 0 }]);
  expect(batch.history.length).toBe(200_000);
});
