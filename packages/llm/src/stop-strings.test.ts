import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StopMatcher } from './stop-strings.js';

test('holds back a beginning and gives it when it comes to nothing', () => {
  const matcher = new StopMatcher(['</end>']);
  expect(matcher.push('a</')).toBe('a');
  expect(matcher.push('en')).toBe('');
  expect(matcher.push('x')).toBe('</enx');
  expect(matcher.push('b</end>c')).toBe('b');
  expect(matcher.stopped).toBe(true);
  expect(matcher.push('more') + matcher.end()).toBe('');
});

test('the earliest stop string wins', () => {
  const matcher = new StopMatcher(['bc', 'ab', '']);
  expect(matcher.push('xabc')).toBe('x');
});

test('pieces do not matter: the result is that of the whole text', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), fc.array(word, { maxLength: 3 }), (pieces, stops) => {
      const matcher = new StopMatcher(stops);
      const streamed = pieces.map((piece) => matcher.push(piece)).join('') + matcher.end();
      const whole = pieces.join('');
      const found = stops
        .filter((stop) => stop.length > 0)
        .map((stop) => whole.indexOf(stop))
        .filter((at) => at >= 0);
      // A streaming matcher stops as soon as some stop string is complete, so an overlapping longer one that
      // started earlier but ends later is not waited for.
      const ends = stops
        .filter((s) => s.length > 0 && whole.includes(s))
        .map((s) => whole.indexOf(s) + s.length);
      expect(matcher.stopped).toBe(found.length > 0);
      if (found.length === 0) expect(streamed).toBe(whole);
      else {
        expect(whole.startsWith(streamed)).toBe(true);
        expect(streamed.length).toBeLessThan(Math.max(...ends));
        for (const stop of stops) if (stop.length > 0) expect(streamed.includes(stop)).toBe(false);
      }
    }),
  );
});
