/**
 * @module
 * Makes a browser's screenshot small enough for a repository: at most 256 colours, each pixel at most a few
 * levels off, packed as well as zlib can. PNG: W3C Recommendation, third edition.
 */

import { crc32, deflateSync, inflateSync } from 'node:zlib';

interface Image {
  readonly width: number;
  readonly height: number;
  /** Pixels as 0xRRGGBB, row by row. */
  readonly pixels: Uint32Array;
}

/** @param png 8-bit RGB or opaque RGBA, not interlaced: what Chromium writes */
export function optimisePng(png: Buffer): Buffer {
  return encode(decode(png));
}

function decode(png: Buffer): Image {
  const data: Buffer[] = [];
  let header: Buffer | undefined;
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = body;
    if (type === 'IDAT') data.push(body);
    at += length + 12;
  }
  if (header === undefined || header[8] !== 8 || header[12] !== 0) throw new Error('not an 8-bit, plain PNG');
  const channels = header[9] === 2 ? 3 : header[9] === 6 ? 4 : 0;
  if (channels === 0) throw new Error('neither RGB nor RGBA');
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  const bytes = unfilter(inflateSync(Buffer.concat(data)), width * channels, height, channels);
  const pixels = new Uint32Array(width * height);
  for (let index = 0, at = 0; index < pixels.length; index++, at += channels) {
    pixels[index] = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  }
  return { width, height, pixels };
}

function unfilter(raw: Buffer, stride: number, height: number, channels: number): Uint8Array {
  const out = new Uint8Array(stride * height);
  for (let row = 0; row < height; row++) {
    const filter = raw[row * (stride + 1)]!;
    for (let column = 0; column < stride; column++) {
      const at = row * stride + column;
      const left = column >= channels ? out[at - channels]! : 0;
      const up = row > 0 ? out[at - stride]! : 0;
      const corner = row > 0 && column >= channels ? out[at - stride - channels]! : 0;
      out[at] = raw[row * (stride + 1) + 1 + column]! + predict(filter, left, up, corner);
    }
  }
  return out;
}

function predict(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const estimate = left + up - corner;
      const [toLeft, toUp, toCorner] = [left, up, corner].map((value) => Math.abs(estimate - value)) as [
        number,
        number,
        number,
      ];
      return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }
    default:
      return 0;
  }
}

function encode({ width, height, pixels }: Image): Buffer {
  const { palette, indexOf } = choosePalette(pixels);
  // Flat areas repeat exactly, so indices without a filter pack best.
  const raw = Buffer.alloc((width + 1) * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      raw[row * (width + 1) + 1 + column] = indexOf.get(pixels[row * width + column]!)!;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colors = Buffer.from(palette.flatMap((color) => [color >> 16, (color >> 8) & 255, color & 255]));
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    chunk('PLTE', colors),
    chunk('IDAT', deflateSync(raw, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, body: Buffer): Buffer {
  const result = Buffer.alloc(body.length + 12);
  result.writeUInt32BE(body.length, 0);
  result.write(type, 4, 'latin1');
  body.copy(result, 8);
  result.writeUInt32BE(crc32(result.subarray(4, 8 + body.length)), 8 + body.length);
  return result;
}

/** Frequent colours first; a colour joins an earlier one that is near enough. "Near" widens until 256 suffice. */
function choosePalette(pixels: Uint32Array): { palette: number[]; indexOf: Map<number, number> } {
  const counts = new Map<number, number>();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const byCount = [...counts].sort((a, b) => b[1] - a[1]).map(([color]) => color);
  for (let reach = 0; ; reach++) {
    const palette: number[] = [];
    const indexOf = new Map<number, number>();
    for (const color of byCount) {
      let index = palette.findIndex((other) => distance(color, other) <= reach);
      if (index < 0) index = palette.push(color) - 1;
      if (index > 255) break;
      indexOf.set(color, index);
    }
    if (indexOf.size === byCount.length) return { palette, indexOf };
  }
}

/** The largest difference of a channel. */
function distance(a: number, b: number): number {
  return Math.max(
    Math.abs((a >> 16) - (b >> 16)),
    Math.abs(((a >> 8) & 255) - ((b >> 8) & 255)),
    Math.abs((a & 255) - (b & 255)),
  );
}
