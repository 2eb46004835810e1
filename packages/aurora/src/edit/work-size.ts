import { type Raster, resizeImage } from '@triptych/media';

/** How a picture is laid out for a model. */
export interface WorkSize {
  /** The picture's size for the model: its longer side is the model's native side, its shape the source's. */
  readonly width: number;
  readonly height: number;
  /** With the margin at right and bottom that makes the sides multiples. */
  readonly paddedWidth: number;
  readonly paddedHeight: number;
}

/**
 * The size to edit at. One factor for both sides, so nothing is squeezed; nothing is cropped; what is missing to a
 * multiple of the model's is a margin, cut away afterwards.
 */
export function workSizeOf(
  { width, height }: { readonly width: number; readonly height: number },
  model: { readonly nativeSide: number; readonly sideMultiple: number },
): WorkSize {
  const factor = model.nativeSide / Math.max(width, height);
  const scaled = (side: number): number => Math.max(1, Math.round(side * factor));
  const padded = (side: number): number => Math.ceil(side / model.sideMultiple) * model.sideMultiple;
  const [w, h] = [scaled(width), scaled(height)];
  return { width: w, height: h, paddedWidth: padded(w), paddedHeight: padded(h) };
}

/** An RGB picture at the work size, without and with its margin, which repeats the last column and row. */
export async function toWorkSize(
  rgb: Raster,
  size: WorkSize,
  signal?: AbortSignal,
): Promise<{ readonly picture: Raster; readonly padded: Raster }> {
  const { width, height } = size;
  const isSame = rgb.width === width && rgb.height === height;
  const picture = isSame ? rgb : await resizeImage(rgb, { width, height, ...(signal && { signal }) });
  return { picture, padded: pad(picture, size.paddedWidth, size.paddedHeight) };
}

/** Cuts the margin away. A picture of another size (a preview) is first brought to the padded size, by repetition. */
export function withoutMargin(padded: Raster, size: WorkSize): Raster {
  const { width, height, paddedWidth, paddedHeight } = size;
  if (width === padded.width && height === padded.height) return padded;
  const { channels } = padded;
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * padded.height) / paddedHeight) * padded.width;
    for (let x = 0; x < width; x++) {
      const from = (row + Math.floor((x * padded.width) / paddedWidth)) * channels;
      for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = padded.data[from + c]!;
    }
  }
  return { width, height, channels, data };
}

function pad(raster: Raster, width: number, height: number): Raster {
  if (raster.width === width && raster.height === height) return raster;
  const { channels, data } = raster;
  const out = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const row = Math.min(y, raster.height - 1) * raster.width;
    for (let x = 0; x < width; x++) {
      const from = (row + Math.min(x, raster.width - 1)) * channels;
      for (let c = 0; c < channels; c++) out[(y * width + x) * channels + c] = data[from + c]!;
    }
  }
  return { width, height, channels, data: out };
}
