import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import {
  decodeImage,
  encodeImage,
  fromFloat,
  maskFromAlpha,
  readImage,
  resizeImage,
  toFloat,
  toRgb,
  writeImage,
} from './index.js';
import type { Raster } from './raster.js';

function noise(width: number, height: number, channels: 1 | 3 | 4 = 3): Raster {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 2654435761) >>> 24);
  return { width, height, channels, data };
}

test('any pixels survive PNG, with their text', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.string({ unit: 'grapheme' }),
      async (width, height, parameters) => {
        const raster = noise(width, height);
        const text = { parameters: Buffer.from(parameters, 'utf8').toString('utf8') };
        const back = await decodeImage(await encodeImage(raster, { text }));
        expect([back.width, back.height, back.format]).toEqual([width, height, 'png']);
        expect(back.data).toEqual(raster.data);
        expect({ ...back.text }).toEqual(text);
      },
    ),
    { numRuns: 20 },
  );
});

test('uint8 survives the way through float', () => {
  const raster = noise(16, 16, 4);
  expect(fromFloat(toFloat(raster)).data).toEqual(raster.data);
});

test('alpha and grey survive, and alpha makes a mask', async () => {
  const raster = noise(5, 4, 4);
  const back = await decodeImage(await encodeImage(raster), { channels: 'rgba' });
  expect(back.data).toEqual(raster.data);
  expect(maskFromAlpha(back).data[3]).toBe(255 - raster.data[15]!);
  const grey = noise(5, 4, 1);
  expect((await decodeImage(await encodeImage(grey), { channels: 'grey' })).data).toEqual(grey.data);
  expect(() => maskFromAlpha(toRgb(back))).toThrow(/alpha/);
});

test('EXIF orientation is applied', async () => {
  const { data, width, height } = noise(6, 3);
  const turned = await sharp(data, { raw: { width, height, channels: 3 } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const upright = await decodeImage(turned);
  expect([upright.width, upright.height]).toEqual([3, 6]);
});

test.each(['jpeg', 'webp'] as const)('%s is written and read', async (format) => {
  const back = await decodeImage(await encodeImage(noise(8, 8), { format }));
  expect([back.format, back.width]).toEqual([format, 8]);
});

test('resize gives the size asked for', async () => {
  const small = await resizeImage(noise(16, 8), { width: 4, height: 4, fit: 'cover' });
  expect([small.width, small.height, small.data.length]).toEqual([4, 4, 48]);
  await expect(resizeImage(noise(4, 4), { width: 0, height: 4 })).rejects.toMatchObject({ code: 'ARGUMENT' });
});

test('hostile input gives typed errors', async () => {
  const png = await encodeImage(noise(64, 64));
  const bomb = await sharp({ create: { width: 9000, height: 9000, channels: 3, background: '#000' } })
    .png()
    .toBuffer();
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  await expect(decodeImage(new Uint8Array(0))).rejects.toMatchObject({ code: 'IMAGE_DECODE' });
  await expect(decodeImage(svg)).rejects.toMatchObject({ code: 'IMAGE_DECODE' });
  await expect(decodeImage(png.subarray(0, 900))).rejects.toMatchObject({ code: 'IMAGE_DECODE' });
  await expect(decodeImage(bomb)).rejects.toMatchObject({ code: 'IMAGE_LIMIT' });
  await expect(decodeImage(png, { maxBytes: 10 })).rejects.toMatchObject({ code: 'IMAGE_LIMIT' });
  await expect(readImage('/nonexistent.png')).rejects.toMatchObject({ code: 'IO' });
});

test('bytes with errors in them decode or fail as MediaError, nothing else', async () => {
  const png = await encodeImage(noise(16, 16), { text: { parameters: 'x' } });
  await fc.assert(
    fc.asyncProperty(fc.nat(png.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const damaged = Uint8Array.from(png);
      damaged[at]! ^= flip;
      await decodeImage(damaged).catch((error) => expect(error.name).toBe('MediaError'));
    }),
    { numRuns: 60 },
  );
});

test('files are written whole or not at all', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'triptych-media-'));
  const controller = new AbortController();
  controller.abort(new Error('stop'));
  await expect(
    writeImage(path.join(folder, 'a.png'), noise(4, 4), { signal: controller.signal }),
  ).rejects.toThrow('stop');
  await writeImage(path.join(folder, 'b.png'), noise(4, 4));
  expect(await readdir(folder)).toEqual(['b.png']);
  await rm(folder, { recursive: true });
});
