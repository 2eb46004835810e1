import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type DecodeFramesOptions,
  decodeFrames,
  encodeVideo,
  MediaError,
  probeVideo,
  type Raster,
  type VideoFrame,
} from '../index.js';

let folder: string;
const file = (name: string): string => path.join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'triptych-video-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A grey ramp downwards, with the frame's number as the brightness of its left half. */
function numbered(index: number, width = 32, height = 32): Raster {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        data[at++] = x < width / 2 ? (index % 30) * 8 : Math.round((200 * y) / height);
  return { width, height, channels: 3, data };
}
const numberOf = ({ data, width, height }: Raster): number =>
  Math.round(data[3 * width * (height >> 1)]! / 8);
const clip = (count: number, width?: number, height?: number): Raster[] =>
  Array.from({ length: count }, (_, i) => numbered(i, width, height));

async function collect(name: string, options?: DecodeFramesOptions): Promise<VideoFrame[]> {
  const frames: VideoFrame[] = [];
  for await (const frame of decodeFrames(file(name), options)) frames.push(frame);
  return frames;
}

test('every frame comes back once, in order, at its time, at any rate and size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 29 }),
      fc.integer({ min: 16, max: 70 }),
      fc.integer({ min: 16, max: 70 }),
      fc.constantFrom(1, 7.5, 12, 23.976, 29.97, 60),
      async (count, width, height, fps) => {
        const written = await encodeVideo(file('any.mp4'), clip(count, width, height), { fps });
        expect(written).toMatchObject({
          frames: count,
          width: width + (width & 1),
          height: height + (height & 1),
        });
        const info = await probeVideo(file('any.mp4'));
        expect(info).toMatchObject({
          frames: count,
          width: written.width,
          height: written.height,
          hasAudio: false,
        });
        expect(info.seconds).toBeCloseTo(count / fps, 2);
        expect(info.fps).toBeCloseTo(fps, 1);
        const frames = await collect('any.mp4');
        expect(frames.map(numberOf)).toEqual(Array.from({ length: count }, (_, i) => i));
        for (const [i, frame] of frames.entries()) {
          expect(frame.seconds).toBeCloseTo(i / fps, 3);
          expect([frame.width, frame.height]).toEqual([written.width, written.height]);
        }
      },
    ),
    { numRuns: 15 },
  );
});

test('frames are found by time, also far apart and past the end', async () => {
  await encodeVideo(file('long.mp4'), clip(360), { fps: 12 }); // 30 s, number = index % 30
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: 0, max: 31, noNaN: true }), { maxLength: 6 }),
      async (times) => {
        times.sort((a, b) => a - b);
        const frames = await collect('long.mp4', { timestamps: times });
        expect(frames.map((f) => f.requested)).toEqual(times);
        for (const frame of frames) {
          const index = Math.min(359, Math.floor((frame.requested + 6e-4) * 12));
          expect(frame.seconds).toBeCloseTo(index / 12, 3);
          expect(numberOf(frame)).toBe(index % 30);
        }
      },
    ),
    { numRuns: 15 },
  );
  const every = await collect('long.mp4', { every: 2.5 });
  expect(every.map((f) => f.requested)).toEqual(Array.from({ length: 12 }, (_, i) => i * 2.5));
  expect(every.map(numberOf)).toEqual(Array.from({ length: 12 }, (_, i) => (i * 30) % 30));
});

test('rotation is applied: the picture stands upright', async () => {
  const corner = (x: number, y: number) => (frame: Raster) =>
    frame.data[3 * (y * (frame.height - 1) * frame.width + x * (frame.width - 1))]! > 128;
  const data = new Uint8Array(48 * 32 * 3);
  for (let y = 0; y < 8; y++) data.fill(255, 3 * y * 48, 3 * (y * 48 + 8)); // white top left
  for (const [rotation, x, y] of [
    [0, 0, 0],
    [90, 1, 0],
    [180, 1, 1],
    [270, 0, 1],
  ] as const) {
    await encodeVideo(file('turned.mp4'), [{ width: 48, height: 32, channels: 3, data }], {
      fps: 5,
      rotation,
    });
    expect((await probeVideo(file('turned.mp4'))).rotation).toBe(rotation);
    const [frame] = await collect('turned.mp4');
    expect([frame!.width, frame!.height]).toEqual(rotation % 180 === 0 ? [48, 32] : [32, 48]);
    for (const [u, v] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const)
      expect(corner(u, v)(frame!)).toBe(u === x && v === y);
  }
});

test('colours survive, and pictures can be made smaller', async () => {
  for (const colour of [
    [250, 10, 10],
    [10, 250, 10],
    [10, 10, 250],
    [128, 128, 128],
  ]) {
    const data = Uint8Array.from({ length: 64 * 32 * 3 }, (_, i) => colour[i % 3]!);
    await encodeVideo(file('colour.mp4'), [{ width: 64, height: 32, channels: 3, data }], {
      fps: 1,
      quality: 95,
    });
    const [frame] = await collect('colour.mp4', { maxSide: 16 });
    expect([frame!.width, frame!.height, frame!.data.length]).toEqual([16, 8, 16 * 8 * 3]);
    for (const [c, level] of colour.entries())
      expect(Math.abs(frame!.data[3 * 60 + c]! - level)).toBeLessThan(6);
  }
});

test('the same frames give the same file; grey and alpha are taken', async () => {
  const [first, second] = [file('1.mp4'), file('2.mp4')];
  await encodeVideo(first, clip(9), { fps: 12 });
  await encodeVideo(second, clip(9), { fps: 12 });
  expect((await readFile(first)).equals(await readFile(second))).toBe(true);
  const grey: Raster = { width: 16, height: 16, channels: 1, data: new Uint8Array(256).fill(200) };
  await encodeVideo(file('grey.mp4'), [grey], { fps: 1 });
  expect(Math.abs((await collect('grey.mp4'))[0]!.data[0]! - 200)).toBeLessThan(4);
});

test('what is no video is refused by a typed error', async () => {
  await writeFile(file('text.mp4'), 'this is no video');
  await writeFile(file('empty.mp4'), '');
  await writeFile(file('list.m3u8'), `#EXTM3U\n#EXTINF:1,\n${file('long.mp4')}\n#EXT-X-ENDLIST\n`);
  await writeFile(file('list.txt'), `ffconcat version 1.0\nfile ${file('long.mp4')}\n`);
  for (const name of ['text.mp4', 'empty.mp4', 'list.m3u8', 'list.txt'])
    await expect(probeVideo(file(name)), name).rejects.toMatchObject({ code: 'VIDEO' });
  for (const name of ['missing.mp4', '.']) await expect(collect(name)).rejects.toMatchObject({ code: 'IO' });
  await expect(probeVideo(file('long.mp4'), { maxPixels: 100 })).rejects.toMatchObject({
    code: 'IMAGE_LIMIT',
  });
});

test('damaged and truncated files end in a typed error, never in a crash or in made-up frames', async () => {
  await encodeVideo(file('whole.mp4'), clip(30, 64, 64), { fps: 10 });
  const whole = await readFile(file('whole.mp4'));
  for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
    await writeFile(file('cut.mp4'), whole.subarray(0, Math.floor(whole.length * share)));
    await expect(collect('cut.mp4'), `${share}`).rejects.toMatchObject({ code: 'VIDEO' });
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
      async (changes) => {
        const damaged = Buffer.from(whole);
        for (const [at, value] of changes) damaged[at] = value;
        await writeFile(file('damaged.mp4'), damaged);
        try {
          for (const frame of await collect('damaged.mp4', { maxPixels: 1 << 20 }))
            expect(frame.data.length).toBe(frame.width * frame.height * 3);
        } catch (error) {
          expect(MediaError.isInstance(error), String(error)).toBe(true);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('odd arguments are named', async () => {
  const write = (frames: Raster[], fps = 10) => encodeVideo(file('odd.mp4'), frames, { fps });
  await expect(write([])).rejects.toThrow(/at least one/);
  await expect(write(clip(1), Number.NaN)).rejects.toThrow(/fps must be/);
  await expect(write([numbered(0), numbered(0, 16)])).rejects.toThrow(/frames\[1\] is 16 x 32/);
  await expect(write([{ ...numbered(0), width: 31 }])).rejects.toThrow(/data must hold/);
  await expect(collect('1.mp4', { every: 0 })).rejects.toThrow(/every must be/);
  await expect(collect('1.mp4', { timestamps: [1, 0] })).rejects.toThrow(/ascending/);
  await expect(collect('1.mp4', { maxSide: 0.5 })).rejects.toThrow(/maxSide must be/);
  expect((await readdir(folder)).filter((name) => name.startsWith('odd'))).toEqual([]);
});

test('abort ends reading and writing, and leaves no file', async () => {
  const reason = new Error('stop');
  const reading = new AbortController();
  const read = async () => {
    for await (const frame of decodeFrames(file('long.mp4'), { signal: reading.signal }))
      if (frame.seconds > 1) reading.abort(reason);
  };
  await expect(read()).rejects.toBe(reason);
  const writing = new AbortController();
  async function* endless() {
    for (let i = 0; ; i++) {
      if (i === 40) writing.abort(reason);
      yield numbered(i);
    }
  }
  const options = { fps: 10, signal: writing.signal };
  await expect(encodeVideo(file('aborted.mp4'), endless(), options)).rejects.toBe(reason);
  expect((await readdir(folder)).filter((name) => name.startsWith('aborted'))).toEqual([]);
  const broken = function* (): Generator<Raster> {
    yield numbered(0);
    throw new TypeError('mine');
  };
  await expect(encodeVideo(file('aborted.mp4'), broken(), { fps: 1 })).rejects.toThrow(TypeError);
});

test('without node-av the error says how to get it', async () => {
  // A copy of the build in a place from which node-av cannot be found.
  await cp(new URL('../../dist', import.meta.url), file('copy'), { recursive: true });
  await writeFile(file('copy/package.json'), '{"type":"module"}');
  const script = `import('./video/probe.js').then(({ probeVideo }) => probeVideo('x')).catch((e) => console.log(e.code, e.message))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { cwd: file('copy') });
  expect(stdout).toMatch(/^VIDEO_UNAVAILABLE .*npm install node-av@/);
});
