import { crc32 } from 'node:zlib';
import { MediaError } from './errors.js';

/** Texts of a PNG by keyword, such as `parameters`. */
export type PngText = Readonly<Record<string, string>>;

const signatureBytes = 8;
const maxTextBytes = 1 << 20;

interface Chunk {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly data: Uint8Array;
}

function* chunksOf(png: Uint8Array): Generator<Chunk> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  let at = signatureBytes;
  while (at + 12 <= png.byteLength) {
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > png.byteLength)
      throw new MediaError('PNG_TEXT', `a PNG chunk at byte ${at} runs beyond the file`);
    const type = Buffer.from(png.subarray(at + 4, at + 8)).toString('latin1');
    yield { type, start: at, end, data: png.subarray(at + 8, at + 8 + length) };
    at = end;
  }
}

/** Reads uncompressed tEXt and iTXt chunks. Compressed ones are left alone: they could unpack to anything. */
export function readPngText(png: Uint8Array): PngText {
  const texts: Record<string, string> = Object.create(null);
  for (const { type, data } of chunksOf(png)) {
    if ((type !== 'tEXt' && type !== 'iTXt') || data.length > maxTextBytes) continue;
    const keyEnd = data.indexOf(0);
    if (keyEnd < 1) continue;
    const key = Buffer.from(data.subarray(0, keyEnd)).toString('latin1');
    if (type === 'tEXt') {
      texts[key] = Buffer.from(data.subarray(keyEnd + 1)).toString('latin1');
      continue;
    }
    if (data[keyEnd + 1] !== 0) continue; // compressed
    const languageEnd = data.indexOf(0, keyEnd + 3);
    const keywordEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
    if (keywordEnd >= 0) texts[key] = Buffer.from(data.subarray(keywordEnd + 1)).toString('utf8');
  }
  return texts;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(pngCrc(body), body.length + 4);
  return out;
}

// zlib.crc32 came with Node 20.15 and 22.2; older ones are refused by `engines`.
function pngCrc(bytes: Uint8Array): number {
  return crc32(bytes);
}

/**
 * The same PNG with these texts (UTF-8, as iTXt) just before its end.
 * @throws MediaError `PNG_TEXT` for a keyword that is not 1 to 79 printable Latin characters or a text over 1 MiB
 */
export function withPngText(png: Uint8Array, text: PngText): Uint8Array {
  const added = Object.entries(text).map(([key, value]) => {
    if (!/^[\x21-\x7e](?:[\x20-\x7e]{0,77}[\x21-\x7e])?$/.test(key))
      throw new MediaError(
        'PNG_TEXT',
        `keyword ${JSON.stringify(key)} must be 1 to 79 printable ASCII characters`,
      );
    const data = Buffer.concat([Buffer.from(`${key}\0\0\0\0\0`, 'latin1'), Buffer.from(value, 'utf8')]);
    if (data.length > maxTextBytes)
      throw new MediaError(
        'PNG_TEXT',
        `the text '${key}' has ${data.length} bytes; at most ${maxTextBytes} fit`,
      );
    return chunk('iTXt', data);
  });
  for (const { type, start } of chunksOf(png))
    if (type === 'IEND') return Buffer.concat([png.subarray(0, start), ...added, png.subarray(start)]);
  throw new MediaError('PNG_TEXT', 'the PNG has no end chunk');
}
