import { describe, expect, it } from 'vitest';
import { difference, heatColour, VISIBLE_DIFFERENCE } from './difference.js';

const grey = (...levels: number[]) =>
  Uint8ClampedArray.from(levels.flatMap((level) => [level, level, level, 255]));

describe('difference', () => {
  it('counts pixels that changed visibly', () => {
    const before = grey(10, 10, 10, 10);
    const after = grey(10, 10 + VISIBLE_DIFFERENCE, 11 + VISIBLE_DIFFERENCE, 255);
    const { changedShare, heat } = difference(before, after);
    expect(changedShare).toBe(0.5);
    expect(heat.length).toBe(16);
    // Unchanged pixels are grey, changed ones are not.
    expect(heat[0]).toBe(heat[2]);
    expect(heat[12]).not.toBe(heat[14]);
  });

  it('finds a change of one channel alone, and none in a copy', () => {
    const before = grey(100);
    const after = before.slice();
    expect(difference(before, after).changedShare).toBe(0);
    after[2] = 200;
    expect(difference(before, after).changedShare).toBe(1);
    expect(difference(grey(), grey()).changedShare).toBe(0);
  });

  it('refuses pictures of different sizes', () => {
    expect(() => difference(grey(1), grey(1, 2))).toThrow('differ in size: 1 and 2 pixels');
  });

  it('grows hotter with the change', () => {
    const sum = (value: number) => heatColour(value).reduce((total, channel) => total + channel, 0);
    const sums = [0, 0.1, 0.3, 0.6, 1].map(sum);
    expect(sums).toEqual([...sums].sort((a, b) => a - b));
    expect(heatColour(7)).toEqual(heatColour(1));
  });
});
