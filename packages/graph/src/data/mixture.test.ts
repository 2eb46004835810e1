import { describe, expect, it } from 'vitest';
import { GraphError } from '../errors.js';
import { Mixture } from './mixture.js';

const SETS = [
  { name: 'rare', length: 3, repeat: 4 },
  { name: 'common', length: 10 },
];

describe('Mixture', () => {
  it('draws every example as often as its factor says, in each pass', () => {
    const mixture = new Mixture(SETS, 7);
    expect(mixture.passLength).toBe(22);
    const passes = [mixture.draw(22), mixture.draw(22)];
    for (const pass of passes) {
      const counts = new Map<string, number>();
      for (const { set, index } of pass)
        counts.set(`${set} ${index}`, (counts.get(`${set} ${index}`) ?? 0) + 1);
      expect(counts.size).toBe(13);
      for (const [key, count] of counts) expect(count).toBe(key.startsWith('rare') ? 4 : 1);
    }
    expect(passes[0]).not.toEqual(passes[1]);
  });

  it('is the same for the same seed and another for another', () => {
    const first = new Mixture(SETS, 7).draw(50);
    expect(new Mixture(SETS, 7).draw(50)).toEqual(first);
    expect(new Mixture(SETS, 8).draw(50)).not.toEqual(first);
    expect(new Set(first.map(({ seed }) => seed)).size).toBe(50);
  });

  it('goes on from every position, across passes, as if it had never stopped', () => {
    const whole = new Mixture(SETS, 3).draw(60);
    for (const stop of [0, 1, 21, 22, 23, 44, 50]) {
      const early = new Mixture(SETS, 3);
      early.draw(stop);
      const late = new Mixture(SETS, 3);
      late.position = JSON.parse(JSON.stringify(early.position));
      expect(late.draw(60 - stop)).toEqual(whole.slice(stop));
    }
  });

  it('refuses the position of another mixture', () => {
    const { position } = new Mixture(SETS, 3);
    for (const other of [new Mixture(SETS, 4), new Mixture([{ name: 'common', length: 10 }], 3)]) {
      expect(() => {
        other.position = position;
      }).toThrow(GraphError);
    }
  });

  it.each([
    ['an empty set', [{ name: 'a', length: 0 }]],
    ['half a repetition', [{ name: 'a', length: 2, repeat: 0.5 }]],
    ['no set', []],
    ['a name twice', [SETS[0], SETS[0]]],
  ])('refuses %s', (_what, sets) => {
    expect(() => new Mixture(sets as typeof SETS, 1)).toThrow(GraphError);
  });
});
