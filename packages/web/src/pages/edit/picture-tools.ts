/**
 * @module
 * What only a browser can do with pictures: decode them, read their pixels, pack a mask.
 */

import { imageType } from '../../lib/base64.js';
import { difference } from '../../lib/difference.js';
import { type Mask, maskToAlpha } from '../../state/edit-mask.js';
import type { PictureTools } from '../../state/edit-services.js';
import type { Picture } from '../../state/edit-tree.js';

/** What the server decodes. Anything else the browser can read goes there as PNG. */
const SENT_AS_THEY_ARE: readonly string[] = ['image/png', 'image/jpeg', 'image/webp'];

export const browserPictureTools: PictureTools = {
  open: openPicture,
  url: (blob) => URL.createObjectURL(blob),
  release: (url) => URL.revokeObjectURL(url),
  maskPng,
};

async function openPicture(blob: Blob): Promise<Picture> {
  // The type a file claims comes from its name.
  const type = imageType(new Uint8Array(await blob.slice(0, 12).arrayBuffer()));
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    throw new Error('This is no picture the browser can read. PNG, JPEG and WebP files work.');
  }
  try {
    const { width, height } = bitmap;
    const kept = SENT_AS_THEY_ARE.includes(type)
      ? new Blob([blob], { type })
      : await canvasPng(width, height, (context) => context.drawImage(bitmap, 0, 0));
    return { blob: kept, url: URL.createObjectURL(kept), width, height };
  } finally {
    bitmap.close();
  }
}

function maskPng(mask: Mask): Promise<Blob> {
  return canvasPng(mask.width, mask.height, (context) =>
    context.putImageData(new ImageData(maskToAlpha(mask), mask.width, mask.height), 0, 0),
  );
}

async function canvasPng(
  width: number,
  height: number,
  draw: (context: OffscreenCanvasRenderingContext2D) => void,
): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  draw(canvas.getContext('2d')!);
  return canvas.convertToBlob({ type: 'image/png' });
}

export interface PictureDifference {
  readonly changedShare: number;
  readonly heat: ImageData;
}

/** Longer sides are measured at this size: enough to see, quick for photographs. */
const LONGEST_SIDE = 1024;

const differences = new WeakMap<Picture, WeakMap<Picture, Promise<PictureDifference>>>();

/** How `after` differs from `before`; each pair is measured once. */
export function pictureDifference(before: Picture, after: Picture): Promise<PictureDifference> {
  const known = differences.get(before) ?? new WeakMap<Picture, Promise<PictureDifference>>();
  const measured = known.get(after) ?? measure(before, after);
  differences.set(before, known);
  known.set(after, measured);
  return measured;
}

async function measure(before: Picture, after: Picture): Promise<PictureDifference> {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(after.width, after.height));
  const width = Math.max(1, Math.round(after.width * scale));
  const height = Math.max(1, Math.round(after.height * scale));
  const [first, second] = await Promise.all([
    pixels(before.blob, width, height),
    pixels(after.blob, width, height),
  ]);
  const { changedShare, heat } = difference(first, second);
  return { changedShare, heat: new ImageData(heat, width, height) };
}

async function pixels(blob: Blob, width: number, height: number): Promise<Uint8ClampedArray> {
  const bitmap = await createImageBitmap(blob);
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height).data;
}
