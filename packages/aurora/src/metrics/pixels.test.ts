import type { Raster } from '@triptych/media';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toLab } from './lab.js';
import { l1, l2, pixelMetrics } from './pixels.js';
import { ssim } from './ssim.js';

const picture = (data: readonly number[], width = 2): Raster => ({
  width,
  height: data.length / 3 / width,
  channels: 3,
  data: Uint8Array.from(data),
});
const flat = (side: number, colour: readonly [number, number, number]): Raster =>
  picture(Array.from({ length: side * side }, () => colour).flat(), side);
const anyPicture = fc.uint8Array({ minLength: 108, maxLength: 108 }).map((data) => picture([...data], 6));

describe('pixel metrics', () => {
  // Two pixels change from 0 to 100, two stay.
  const source = picture([0, 0, 0, 0, 0, 0, 50, 50, 50, 60, 60, 60]);
  const target = picture([100, 100, 100, 100, 100, 100, 50, 50, 50, 60, 60, 60]);

  it('gives a copy no progress and full preservation, the target both', () => {
    expect(pixelMetrics(source, target, source)).toEqual({
      progress: 0,
      preservationMse: 0,
      preservationDeltaE: 0,
      success: false,
    });
    expect(pixelMetrics(source, target, target)).toMatchObject({ progress: 1, success: true });
  });

  it('counts squared error on changed pixels only, and drift on the others only', () => {
    const half = picture([50, 50, 50, 100, 100, 100, 50, 50, 50, 60, 60, 60]);
    expect(pixelMetrics(source, target, half).progress).toBeCloseTo(1 - 0.25 / 2, 12);
    const drift = picture([100, 100, 100, 100, 100, 100, 50, 50, 50, 60, 60, 111]);
    const { progress, preservationMse, success } = pixelMetrics(source, target, drift);
    expect(progress).toBe(1);
    expect(preservationMse).toBeCloseTo((51 / 255) ** 2 / 6, 12);
    expect(success).toBe(false);
  });

  it('takes differences of up to 8 levels for no change', () => {
    const near = picture([8, 8, 8, 0, 0, 0, 50, 50, 50, 60, 60, 60]);
    expect(pixelMetrics(source, near, source).progress).toBe(1);
  });

  it('is negative for a change in the wrong direction', () => {
    const white = picture([255, 255, 255, 255, 255, 255, 50, 50, 50, 60, 60, 60]);
    expect(pixelMetrics(source, target, white).progress).toBeLessThan(0);
  });

  it('names the picture of another size', () => {
    expect(() => pixelMetrics(source, target, flat(3, [0, 0, 0]))).toThrow(/output is 3 x 3, source 2 x 2/);
    const grey: Raster = { ...source, channels: 1, data: new Uint8Array(4) };
    expect(() => l1(source, grey)).toThrow(/b must be RGB/);
  });

  it('knows colours by their CIE values', () => {
    // Reference values of sRGB primaries under D65 (Lindbloom's calculator).
    const expected: [readonly [number, number, number], readonly number[]][] = [
      [
        [255, 255, 255],
        [100, 0, 0],
      ],
      [
        [255, 0, 0],
        [53.24, 80.09, 67.2],
      ],
      [
        [0, 255, 0],
        [87.73, -86.18, 83.18],
      ],
      [
        [0, 0, 255],
        [32.3, 79.19, -107.86],
      ],
    ];
    for (const [rgb, lab] of expected)
      for (let c = 0; c < 3; c++) expect(toLab(flat(1, rgb))[c]).toBeCloseTo(lab[c]!, 1);
  });

  it('measures L1 and L2 in units of full scale', () => {
    expect(l1(flat(4, [0, 0, 0]), flat(4, [255, 255, 255]))).toBe(1);
    expect(l2(flat(4, [0, 0, 0]), flat(4, [51, 51, 51]))).toBeCloseTo(0.04, 12);
  });

  it('has the properties of distances and of SSIM', () => {
    fc.assert(
      fc.property(anyPicture, anyPicture, (a, b) => {
        expect(l1(a, b)).toBe(l1(b, a));
        expect(l2(a, a)).toBe(0);
        expect(ssim(a, a)).toBeCloseTo(1, 9);
        expect(ssim(a, b)).toBeCloseTo(ssim(b, a), 9);
        expect(Math.abs(ssim(a, b))).toBeLessThanOrEqual(1 + 1e-9);
        expect(pixelMetrics(a, b, b)).toMatchObject({ progress: 1, success: true });
        expect(pixelMetrics(a, b, a)).toMatchObject({ preservationMse: 0, preservationDeltaE: 0 });
      }),
    );
  });

  it('gives flat pictures the SSIM of their means', () => {
    const [x, y, c1] = [0.2, 0.6, 1e-4];
    const expected = (2 * x * y + c1) / (x * x + y * y + c1);
    expect(ssim(flat(16, [51, 51, 51]), flat(16, [153, 153, 153]))).toBeCloseTo(expected, 6);
  });
});
