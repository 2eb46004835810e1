import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHalfBits, toBf16, toHalfBits } from './half.js';
import { dequantize, quantize } from './quantize.js';

const weights = fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 32, maxLength: 32 });

describe('half precision', () => {
  it('gives back every half', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = fromHalfBits(bits);
      if (Number.isNaN(value)) expect(fromHalfBits(toHalfBits(value))).toBeNaN();
      else expect(toHalfBits(value)).toBe(bits);
    }
  });

  it('rounds to the nearest half, ties to even', () => {
    const nearest = (value: number): number => {
      // Neighbours by bits: the result must be at least as close as both, and even on a tie.
      const bits = toHalfBits(value);
      const distance = Math.abs(fromHalfBits(bits) - value);
      for (const other of [bits - 1, bits + 1]) {
        const gap = Math.abs(fromHalfBits(other) - value);
        if (gap < distance || (gap === distance && bits % 2 === 1)) return -1;
      }
      return bits;
    };
    const value = fc.float({ min: 2 ** -26, max: 60000, noNaN: true });
    fc.assert(
      fc.property(value, (x) => x <= 2 ** -24 || nearest(x) >= 0),
      { numRuns: 5000 },
    );
    expect(toHalfBits(2 ** -25)).toBe(0); // tie between 0 and the smallest subnormal
    expect(toHalfBits(1.5 * 2 ** -24)).toBe(2);
    expect(toHalfBits(65519)).toBe(0x7bff);
    expect(toHalfBits(65520)).toBe(0x7c00);
    expect(toHalfBits(-0)).toBe(0x8000);
  });

  it('rounds bfloat16 to even and keeps NaN', () => {
    const bits = (pattern: number): number => toBf16(new Float32Array(Uint32Array.of(pattern).buffer))[0]!;
    expect(bits(0x3f808000)).toBe(0x3f80);
    expect(bits(0x3f818000)).toBe(0x3f82);
    expect(bits(0x3f808001)).toBe(0x3f81);
    expect(bits(0x7f7fffff)).toBe(0x7f80);
    expect(bits(0x7f800001)).toBe(0x7fc0);
  });
});

describe('Q8_0', () => {
  it('matches a block worked out by hand', () => {
    const values = new Float32Array(32);
    values.set([127, -127, 0.5, -0.5, 1.49, 63.5]);
    const bytes = quantize('Q8_0', values); // scale 1: 0.5 rounds away from zero
    expect([...bytes.subarray(0, 2)]).toEqual([0x00, 0x3c]);
    expect([...new Int8Array(bytes.buffer, 2, 7)]).toEqual([127, -127, 1, -1, 1, 64, 0]);
  });

  it('stays within half a step', () => {
    const property = fc.property(weights, (list) => {
      const values = Float32Array.from(list);
      const back = dequantize('Q8_0', quantize('Q8_0', values));
      const largest = values.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
      // Half a quantisation step, plus what rounding the scale to a half moves the far end (and its subnormal grid).
      const bound = largest / 254 + largest * 2 ** -11 + 127 * 2 ** -25;
      for (const [i, x] of values.entries())
        expect(Math.abs(back[i]! - x)).toBeLessThanOrEqual(bound * 1.001);
    });
    fc.assert(property, { numRuns: 300 });
  });
});

describe('Q4_0', () => {
  it('matches a block worked out by hand', () => {
    const values = new Float32Array(32);
    values.set([-8, 7, 0.49, 0.5, -0.51]);
    values[16] = 8; // same magnitude, later: the first extreme sets the sign of the scale
    const bytes = quantize('Q4_0', values); // scale -8 / -8 = 1, code = floor(x + 8.5), at most 15
    expect([...bytes.subarray(0, 2)]).toEqual([0x00, 0x3c]);
    expect([...bytes.subarray(2, 7)].map((byte) => byte & 15)).toEqual([0, 15, 8, 9, 7]);
    expect(bytes[2]! >> 4).toBe(15);
    expect(bytes[3]! >> 4).toBe(8);
    expect([...dequantize('Q4_0', bytes)].slice(0, 5)).toEqual([-8, 7, 0, 1, -1]);
  });

  it('stays within a step', () => {
    const property = fc.property(weights, (list) => {
      const values = Float32Array.from(list);
      const back = dequantize('Q4_0', quantize('Q4_0', values));
      const largest = values.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
      // One step: the end opposite to the extreme is clipped by up to one.
      const bound = largest / 8 + largest * 2 ** -11 + 8 * 2 ** -25;
      for (const [i, x] of values.entries())
        expect(Math.abs(back[i]! - x)).toBeLessThanOrEqual(bound * 1.001);
    });
    fc.assert(property, { numRuns: 300 });
  });
});

describe('against ggml', () => {
  const path = join(import.meta.dirname, '../../fixtures/quantisers.golden.json');
  const golden = JSON.parse(readFileSync(path, 'utf8')) as { values: string } & Record<string, string>;
  const bytes = Buffer.from(golden.values, 'base64');
  const values = new Float32Array(new Uint8Array(bytes).buffer);

  it.each(['F16', 'BF16', 'Q8_0', 'Q4_0'] as const)('gives the same bits: %s', (type) => {
    expect(values.length).toBeGreaterThan(2000);
    expect(Buffer.from(quantize(type, values)).equals(Buffer.from(golden[type]!, 'base64'))).toBe(true);
  });
});

describe('quantize and dequantize', () => {
  it('keep exact types exact', () => {
    const values = Float32Array.of(1, -2.5, 0, 65504);
    for (const type of ['F32', 'F16'] as const)
      expect(dequantize(type, quantize(type, values))).toEqual(values);
    expect(dequantize('BF16', quantize('BF16', Float32Array.of(1, -2.5)))).toEqual(Float32Array.of(1, -2.5));
  });

  it('handle all-zero blocks', () => {
    for (const type of ['Q8_0', 'Q4_0'] as const) {
      expect(dequantize(type, quantize(type, new Float32Array(64))).every((x) => x === 0)).toBe(true);
    }
  });

  it('refuse partial blocks and types they do not know', () => {
    expect(() => quantize('Q8_0', new Float32Array(33))).toThrow(/blocks of 32/);
    expect(() => dequantize('Q4_0', new Uint8Array(17))).toThrow(/whole Q4_0 blocks/);
    expect(() => dequantize('Q4_K', new Uint8Array(144))).toThrow(/Q4_K/);
  });
});
