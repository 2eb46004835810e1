import { access } from 'node:fs/promises';
import path from 'node:path';
import { decodeFrames, type Raster, resizeImage, type VideoFrame, writeImage } from '@triptych/media';
import { AuroraError } from '../errors.js';
import type { Candidate } from './candidate.js';
import { descriptor } from './descriptor.js';
import { analysisSide } from './examine.js';
import { compareFrames, keyFrameOf } from './key-frame.js';

/** Paths of a candidate's pictures in its folder. */
export function picturePaths(id: string): Pick<Candidate, 'input' | 'output' | 'mask'> {
  return { input: `images/${id}_0.png`, output: `images/${id}_1.png`, mask: `images/${id}_mask.png` };
}

/** True when all three pictures are there. */
export async function hasPictures(folder: string, id: string): Promise<boolean> {
  const found = await Promise.all(
    Object.values(picturePaths(id)).map((file) =>
      access(path.join(folder, file)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.every(Boolean);
}

/**
 * Decodes a pair again, at full size, and writes both frames and what changed between them.
 * @returns the pictures' size
 * @throws MediaError; AuroraError `DATA` when the clip no longer has the frames; the signal's reason
 */
export async function writePictures(
  clip: string,
  folder: string,
  pair: { readonly id: string; readonly firstSeconds: number; readonly lastSeconds: number },
  { maxSide, signal }: { readonly maxSide: number; readonly signal?: AbortSignal },
): Promise<{ readonly width: number; readonly height: number }> {
  const stop = signal === undefined ? {} : { signal };
  const frames: VideoFrame[] = [];
  const timestamps = [pair.firstSeconds, pair.lastSeconds];
  for await (const frame of decodeFrames(clip, { timestamps, maxSide, ...stop })) frames.push(frame);
  const [first, last] = frames;
  if (first === undefined || last === undefined)
    throw new AuroraError('DATA', `${clip} changed while it was looked at: run again`);
  const files = picturePaths(pair.id);
  const mask = await resizeImage(await maskOf(first, last), {
    width: first.width,
    height: first.height,
    kernel: 'nearest',
    ...stop,
  });
  await writeImage(path.join(folder, files.input), first, stop);
  await writeImage(path.join(folder, files.output), last, stop);
  await writeImage(path.join(folder, files.mask), mask, stop);
  return { width: first.width, height: first.height };
}

/** 255 where the frames differ, at the size of analysis. */
async function maskOf(first: Raster, last: Raster): Promise<Raster> {
  const small = async (frame: Raster, index: number) => {
    const scale = Math.min(1, analysisSide / Math.max(frame.width, frame.height));
    const size = {
      width: Math.max(1, Math.round(frame.width * scale)),
      height: Math.max(1, Math.round(frame.height * scale)),
    };
    const { width, height, data } = await resizeImage(frame, { ...size, kernel: 'linear' });
    return await keyFrameOf({ width, height, channels: 3, data }, { seconds: 0, index }, descriptor);
  };
  const { change } = compareFrames(await small(first, 0), await small(last, 1));
  return { width: change.width, height: change.height, channels: 1, data: change.mask.map((m) => 255 * m) };
}
