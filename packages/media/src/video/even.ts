import type { Raster } from '../raster.js';

/** The picture with its last column and row repeated where a side is odd. */
export function evenSized(raster: Raster): Raster {
  const { width, height, channels, data } = raster;
  const outWidth = width + (width & 1);
  const outHeight = height + (height & 1);
  if (outWidth === width && outHeight === height) return raster;
  const out = new Uint8Array(outWidth * outHeight * channels);
  for (let y = 0; y < outHeight; y++) {
    const row = Math.min(y, height - 1) * width * channels;
    out.set(data.subarray(row, row + width * channels), y * outWidth * channels);
    if (outWidth > width)
      out.set(
        data.subarray(row + (width - 1) * channels, row + width * channels),
        y * outWidth * channels + width * channels,
      );
  }
  return { width: outWidth, height: outHeight, channels, data: out };
}
