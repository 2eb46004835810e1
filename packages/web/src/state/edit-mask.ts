/**
 * @module
 * The part of a picture an edit may change, painted with a round brush. Pure functions on a plane of bytes; strokes
 * say which rectangle they touched, so that only that needs painting again.
 */

/** 255 where the picture is edited, 0 where it stays. Changed in place: large pictures are painted 60 times a second. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array; // [height, width] row-major
}

/** In pixels of the picture; `right` and `bottom` are outside. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export type BrushMode = 'paint' | 'erase';

export function emptyMask(width: number, height: number): Mask {
  return { width, height, data: new Uint8Array(width * height) };
}

export function wholeMask(mask: Mask): Rectangle {
  return { left: 0, top: 0, right: mask.width, bottom: mask.height };
}

/** Paints or erases everything within `radius` of the line from `from` to `to`. Returns the rectangle it touched. */
export function stroke(mask: Mask, from: Point, to: Point, radius: number, mode: BrushMode): Rectangle {
  const { width, height, data } = mask;
  const touched: Rectangle = {
    left: Math.max(0, Math.floor(Math.min(from.x, to.x) - radius)),
    top: Math.max(0, Math.floor(Math.min(from.y, to.y) - radius)),
    right: Math.min(width, Math.ceil(Math.max(from.x, to.x) + radius)),
    bottom: Math.min(height, Math.ceil(Math.max(from.y, to.y) + radius)),
  };
  const value = mode === 'paint' ? 255 : 0;
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length2 = dx * dx + dy * dy;
  for (let y = touched.top; y < touched.bottom; y++) {
    for (let x = touched.left; x < touched.right; x++) {
      // Distance of the pixel's centre to the nearest point of the line.
      const px = x + 0.5 - from.x;
      const py = y + 0.5 - from.y;
      const along = length2 === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length2));
      const ex = px - along * dx;
      const ey = py - along * dy;
      if (ex * ex + ey * ey <= radius * radius) data[y * width + x] = value;
    }
  }
  return touched;
}

export function fillMask(mask: Mask, mode: BrushMode): void {
  mask.data.fill(mode === 'paint' ? 255 : 0);
}

export function invertMask(mask: Mask): void {
  for (let index = 0; index < mask.data.length; index++) mask.data[index] = 255 - mask.data[index]!;
}

/** Share of the picture that may change, 0..1. */
export function maskCoverage(mask: Mask): number {
  let painted = 0;
  for (const value of mask.data) if (value > 0) painted++;
  return mask.data.length === 0 ? 0 : painted / mask.data.length;
}

/** RGBA bytes as the API wants them: alpha 0 is edited, the rest is opaque black. */
export function maskToAlpha(mask: Mask): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray(mask.data.length * 4);
  for (let index = 0; index < mask.data.length; index++) rgba[index * 4 + 3] = 255 - mask.data[index]!;
  return rgba;
}

/** The mask as a tint over the picture: RGBA bytes of one rectangle, `colour` where the picture is edited. */
export function maskTint(
  mask: Mask,
  area: Rectangle,
  [red, green, blue, alpha]: readonly [number, number, number, number],
): Uint8ClampedArray<ArrayBuffer> {
  const width = Math.max(0, area.right - area.left);
  const height = Math.max(0, area.bottom - area.top);
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask.data[(area.top + y) * mask.width + area.left + x] === 0) continue;
      rgba.set([red, green, blue, alpha], (y * width + x) * 4);
    }
  }
  return rgba;
}

/** A brush radius that suits the picture: a twelfth of its shorter side. */
export function suitableRadius(mask: Mask): number {
  return Math.max(1, Math.round(Math.min(mask.width, mask.height) / 12));
}

/** The width of the soft edge that the server takes by itself: a hundredth of the longer side. */
export function suitableFeather(mask: Mask): number {
  return Math.max(1, Math.round(Math.max(mask.width, mask.height) / 100));
}

/** The point moved and kept inside the picture. */
export function movePoint(mask: Mask, point: Point, dx: number, dy: number): Point {
  return {
    x: Math.min(Math.max(point.x + dx, 0), mask.width),
    y: Math.min(Math.max(point.y + dy, 0), mask.height),
  };
}
