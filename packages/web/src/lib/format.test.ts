import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  plural,
  splitBytes,
} from './format.js';

/** Ordinary spaces make the expectations readable. */
const plain = (text: string) => text.replaceAll('\u202f', ' ');

describe('format', () => {
  it('writes bytes in binary units with three digits', () => {
    const cases: [number, string][] = [
      [0, '0 B'],
      [-3, '0 B'],
      [999, '999 B'],
      [1000, '0.98 KiB'],
      [1536, '1.5 KiB'],
      [123 * 1024, '123 KiB'],
      [1023 * 1024 * 1024, '1 GiB'],
      [12 * 2 ** 40, '12 TiB'],
      [1e19, '8882 PiB'],
    ];
    for (const [bytes, text] of cases) expect(plain(formatBytes(bytes))).toBe(text);
    expect(splitBytes(2048)).toEqual({ value: '2', unit: 'KiB' });
  });

  it('writes counts, shares, times and rates', () => {
    expect([0, 950, 8_420_000, 1_100_000_000].map(formatCount).map(plain)).toEqual([
      '0',
      '950',
      '8.42 M',
      '1.1 B',
    ]);
    expect([0, 0.00001, 0.0123, 0.1234, 1].map(formatPercent).map(plain)).toEqual([
      '0 %',
      '< 0.01 %',
      '1.23 %',
      '12.3 %',
      '100 %',
    ]);
    expect([0, 85.4, 999.6, 1430].map(formatDuration).map(plain)).toEqual(['0 ms', '85 ms', '1 s', '1.43 s']);
    expect(plain(formatRate(38.24))).toBe('38.2 tok/s');
    expect([plural(1, 'token'), plural(12345, 'token')]).toEqual(['1 token', '12,345 tokens']);
  });
});
