import type { Raster } from '@triptych/media';

/** sRGB level to linear light. */
const linear = Float64Array.from({ length: 256 }, (_, i) => {
  const x = i / 255;
  return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
});

const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);

/**
 * CIE L*a*b* (D65 white) of an RGB picture.
 * @returns float32 `[height, width, 3]`, L 0..100
 */
export function toLab({ width, height, channels, data }: Raster): Float32Array {
  const out = new Float32Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const at = i * channels;
    const r = linear[data[at]!]!,
      g = linear[data[channels === 1 ? at : at + 1]!]!,
      b = linear[data[channels === 1 ? at : at + 2]!]!;
    const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
    const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
    const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
    out[3 * i] = 116 * y - 16;
    out[3 * i + 1] = 500 * (x - y);
    out[3 * i + 2] = 200 * (y - z);
  }
  return out;
}
