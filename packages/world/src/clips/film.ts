import path from 'node:path';
import { encodeVideo, type Raster, writeFileAtomically } from '@triptych/media';
import type { Random } from '../random.js';
import { type Frame, render } from '../render/render.js';
import type { Scene } from '../scene.js';
import { clipFramesPerSecond } from './motion.js';

/** What a real camera adds to its pictures. */
export interface Grain {
  /** Noise of a sensor, levels of 255 at most either way; default 0. */
  readonly levels?: number;
  /** Largest change of exposure from frame to frame, as a share; default 0. */
  readonly flicker?: number;
}

/** Adds a camera's noise to a picture; from `r` alone, so the same clip has the same bytes. */
export function addGrain(frame: Frame, r: Random, { levels = 0, flicker = 0 }: Grain): Raster {
  const gain = 1 + r.between(-flicker, flicker);
  const data = new Uint8Array(frame.data.length);
  for (let i = 0; i < data.length; i++)
    data[i] = Math.min(255, Math.max(0, Math.round(frame.data[i]! * gain + r.between(-levels, levels))));
  return { width: frame.width, height: frame.height, channels: 3, data };
}

/** Where a caption goes: a text file, or JSON with the field `caption`, beside the clip and of its name. */
export type CaptionFormat = 'txt' | 'json';

/**
 * Renders states and writes an mp4 with its caption in a side-car file.
 * @param file path of the mp4; the side-car has the same name with `.txt` or `.json`
 * @throws MediaError `VIDEO_UNAVAILABLE`, `IO`; the signal's reason when aborted
 */
export async function writeFilm(
  file: string,
  scenes: readonly Scene[],
  options: {
    readonly caption?: string;
    readonly captions?: CaptionFormat;
    readonly size: number;
    readonly grain?: Grain;
    readonly r: Random;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  const { caption, captions = 'txt', size, grain = {}, r, signal } = options;
  const drawn = new Map<Scene, Frame>();
  async function* frames(): AsyncGenerator<Raster> {
    for (const scene of scenes) {
      const frame = drawn.get(scene) ?? render(scene, { width: size });
      drawn.set(scene, frame);
      yield addGrain(frame, r, grain);
    }
  }
  const common = signal ? { signal } : {};
  await encodeVideo(file, frames(), { fps: clipFramesPerSecond, quality: 90, ...common });
  if (caption === undefined) return;
  const { dir, name } = path.parse(file);
  const text = captions === 'txt' ? `${caption}\n` : `${JSON.stringify({ caption })}\n`;
  await writeFileAtomically(path.join(dir, `${name}.${captions}`), text, signal);
}
