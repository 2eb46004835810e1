/**
 * @module
 * The difference of two pictures, pixel by pixel.
 */

/** Levels of 255: smaller differences are noise of video coding. */
const THRESHOLD = 16;
/** A difference of a quarter of the range is shown in full colour. */
const GAIN = 4;
const COLOUR = [226, 64, 36] as const;

/**
 * Writes into `out` a dim grey copy of `before` with the differences in red; all RGBA, of the same size.
 * @returns the share of pixels that differ by more than noise, 0..1
 */
export function mixDifference(
  before: Uint8ClampedArray, // [height, width, 4]
  after: Uint8ClampedArray,
  out: Uint8ClampedArray,
): number {
  let changed = 0;
  for (let at = 0; at < out.length; at += 4) {
    let difference = 0;
    for (let c = 0; c < 3; c++) difference = Math.max(difference, Math.abs(before[at + c]! - after[at + c]!));
    if (difference > THRESHOLD) changed++;
    const strength = difference > THRESHOLD ? Math.min(1, (GAIN * difference) / 255) : 0;
    const grey = 40 + 0.35 * (0.3 * before[at]! + 0.59 * before[at + 1]! + 0.11 * before[at + 2]!);
    for (let c = 0; c < 3; c++) out[at + c] = grey + strength * (COLOUR[c]! - grey);
    out[at + 3] = 255;
  }
  return changed / (out.length / 4);
}

/** `mixDifference` of two images onto a canvas of their size. */
export function paintDifference(
  canvas: HTMLCanvasElement,
  before: HTMLImageElement,
  after: HTMLImageElement,
): number {
  canvas.width = before.naturalWidth;
  canvas.height = before.naturalHeight;
  const { width, height } = canvas;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) return 0;
  const pixelsOf = (image: HTMLImageElement): ImageData => {
    context.drawImage(image, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  };
  const [first, last] = [pixelsOf(before), pixelsOf(after)];
  const out = context.createImageData(width, height);
  const share = mixDifference(first.data, last.data, out.data);
  context.putImageData(out, 0, 0);
  return share;
}
