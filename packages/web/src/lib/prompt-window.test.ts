import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { laterHalf, promptWindow } from './prompt-window.js';

describe('promptWindow', () => {
  it('keeps a short text whole and the end of a long one, from the start of a word', () => {
    expect(promptWindow('one two three', 100, 3)).toBe('one two three');
    expect(promptWindow('one two three four', 8, 3)).toBe('three four');
    expect(promptWindow('one two three four', 6, 3)).toBe('four');
    expect(promptWindow('one two', 2, 3)).toBe('two');
    expect(promptWindow('x'.repeat(50), 10, 2)).toBe('x'.repeat(10));
  });

  it('is always an end of the text, within the room, and no half of a surrogate pair', () => {
    const anyText = fc.string({ unit: fc.constantFrom('a', ' ', '\n', '🙂') });
    fc.assert(
      fc.property(anyText, fc.integer({ min: 2, max: 60 }), (text, context) => {
        const window = promptWindow(text, context, 2);
        expect(text.endsWith(window)).toBe(true);
        expect(window.length).toBeLessThanOrEqual(Math.max(context, 0));
        expect(window).not.toMatch(/^[\uDC00-\uDFFF]/);
      }),
    );
  });
});

describe('laterHalf', () => {
  it('shrinks every text of two characters and more', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 2 }), (text) => {
        const half = laterHalf(text);
        expect(half.length).toBeLessThan(text.length);
        expect(text.endsWith(half)).toBe(true);
      }),
    );
    expect(laterHalf('one two three four')).toBe('four');
  });
});
