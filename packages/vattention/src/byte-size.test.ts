import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseByteSize } from './byte-size.js';
import { KvError } from './errors.js';

describe('parseByteSize', () => {
  it.each([
    ['4GiB', 4 * 2 ** 30],
    ['4 gib', 4 * 2 ** 30],
    ['512M', 512 * 2 ** 20],
    ['1.5g', 1.5 * 2 ** 30],
    ['2GB', 2e9],
    ['100kB', 100_000],
    ['1TiB', 2 ** 40],
    ['4096', 4096],
    [' 4096 b ', 4096],
  ])('%s', (text, bytes) => expect(parseByteSize(text)).toBe(bytes));

  it.each([
    '',
    ' ',
    'GiB',
    '-1',
    '0',
    '0.0001',
    '1e9',
    '4GiBs',
    '4 G i B',
    '4PiB',
    'NaN',
    '9999999999999999T',
    '１GiB',
  ])('refuses "%s"', (text) =>
    expect(() => parseByteSize(text)).toThrow(expect.objectContaining({ code: 'invalid_argument' })),
  );

  it('gives a positive safe integer or a KvError for any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const bytes = parseByteSize(text);
          expect(Number.isSafeInteger(bytes) && bytes > 0).toBe(true);
        } catch (error) {
          expect(KvError.isInstance(error)).toBe(true);
        }
      }),
    );
  });
});
