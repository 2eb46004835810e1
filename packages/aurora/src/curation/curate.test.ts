import { copyFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeVideo, isVideoAvailable, type Raster, readImage } from '@triptych/media';
import { random, writeCurationTruth } from '@triptych/world';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CandidateFile } from './candidate.js';
import { ClipVision } from './clip-vision.js';
import { type CurationProgress, curateVideos } from './curate.js';
import { cosineDistance } from './descriptor.js';
import { measureFilters } from './truth.js';
import { findVideos } from './videos.js';

const hasVideo = await isVideoAvailable();
let folder: string;
const file = (...names: string[]): string => path.join(folder, ...names);
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'triptych-curation-'));
});
afterAll(() => rm(folder, { recursive: true }));

const size = { width: 96, height: 72 };

/** A striped room with a box at a place; sensor noise. */
function room(x: number, y: number, r = random(1)): Raster {
  const { width, height } = size;
  const data = new Uint8Array(width * height * 3);
  for (let v = 0, at = 0; v < height; v++)
    for (let u = 0; u < width; u++) {
      const isBox = u >= x && u < x + 14 && v >= y && v < y + 14;
      const wall = v < 30 ? 150 + 40 * Math.sin(u / 5) : 90 + 30 * Math.sin((u + v) / 7);
      for (const level of isBox ? [220, 40, 40] : [wall, wall, wall + 20])
        data[at++] = Math.round(Math.max(0, Math.min(255, level + r.between(-3, 3))));
    }
  return { ...size, channels: 3, data };
}

/** The box rests at each place for some frames and slides to the next. */
function boxClip(places: readonly (readonly [number, number])[], rest: number, seed = 1): Raster[] {
  const r = random(seed);
  return places.flatMap(([x, y], i) => {
    const [u, v] = places[i + 1] ?? [x, y];
    const slide = i + 1 < places.length ? 8 : 0;
    return Array.from({ length: rest + slide }, (_, k) => {
      const t = Math.max(0, k - rest + 1) / 9;
      return room(Math.round(x + (u - x) * t), Math.round(y + (v - y) * t), r);
    });
  });
}

describe.runIf(hasVideo)('curation', () => {
  test('filters tell clips of known truth apart', async () => {
    await writeCurationTruth({ folder: file('truth'), clips: 3, size: 64, seeds: [0, 2000] });
    const { labels, distances } = await measureFilters(file('truth'), { folder: file('measured') });
    for (const { label, clips, recall, precision, rejected } of labels) {
      expect(clips).toBe(3);
      if (label !== 'toomuch') expect(recall?.value, label).toBeGreaterThanOrEqual(0.6);
      if (label === 'keep') expect(precision?.value).toBeGreaterThanOrEqual(0.6);
      else expect(rejected?.value, label).toBeGreaterThanOrEqual(0.6);
    }
    expect(distances.every((d, i) => d >= (distances[i - 1] ?? 0))).toBe(true);
  }, 300_000);

  test('a long clip gives a pair for each of its actions, with pictures and what changed', async () => {
    await encodeVideo(
      file('long.mp4'),
      boxClip(
        [
          [5, 40],
          [60, 50],
          [40, 10],
        ],
        24,
      ),
      { fps: 12 },
    );
    const result = await curateVideos([file('long.mp4')], { folder: file('long'), pairsPerClip: 2 });
    expect(result.candidates.length).toBe(2);
    const [one, two] = [...result.candidates].sort((a, b) => a.firstSeconds - b.firstSeconds);
    expect(one!.lastSeconds).toBeLessThan(5);
    expect(two!.lastSeconds).toBeGreaterThan(4);
    for (const candidate of result.candidates) {
      const mask = await readImage(file('long', candidate.mask), { channels: 'grey' });
      expect([mask.width, mask.height]).toEqual([candidate.width, candidate.height]);
      for (const picture of [candidate.input, candidate.output])
        expect(await readImage(file('long', picture))).toMatchObject(size);
      expect(mask.data.filter((level) => level === 255).length / mask.data.length).toBeCloseTo(
        candidate.scores.changed,
        2,
      );
      expect(candidate.remarks[0]).toMatch(/regions?, .* % of the frame changed/);
    }
    const lines = (await readFile(file('long', 'rejections.jsonl'), 'utf8')).trim().split('\n');
    expect(lines.length + result.candidates.length).toBe(result.pairs);
  });

  test('captions, duplicates, dropped labels and damaged clips', async () => {
    await encodeVideo(
      file('a.mp4'),
      boxClip(
        [
          [5, 40],
          [60, 50],
        ],
        6,
      ),
      { fps: 12 },
    );
    await encodeVideo(
      file('b.mp4'),
      boxClip(
        [
          [5, 40],
          [60, 50],
        ],
        6,
        2,
      ),
      { fps: 12, quality: 60 },
    );
    await encodeVideo(
      file('c.mp4'),
      boxClip(
        [
          [40, 10],
          [10, 10],
        ],
        6,
      ),
      { fps: 12 },
    );
    await encodeVideo(
      file('d.mp4'),
      boxClip(
        [
          [70, 50],
          [40, 50],
        ],
        6,
      ),
      { fps: 12 },
    );
    await truncate(file('d.mp4'), Math.round((await stat(file('d.mp4'))).size / 2));
    await writeFile(file('a.txt'), 'Pushing a box to the right\n');
    await writeFile(file('c.json'), JSON.stringify({ caption: 'Pretending to push a box' }));
    const clips = ['a', 'b', 'c', 'd', 'missing'].map((name) => file(`${name}.mp4`));
    const result = await curateVideos(clips, { folder: file('mixed') });
    expect(result.candidates.map(({ clip }) => clip)).toEqual(['a.mp4']);
    expect(result.candidates[0]).toMatchObject({
      caption: 'Pushing a box to the right',
      instruction: 'Push a box to the right',
      firstSeconds: 0,
    });
    expect(result.rejected).toMatchObject({ caption: 1 });
    expect(result.rejected.duplicate).toBeGreaterThanOrEqual(1);
    expect(result.failed.map(({ clip }) => clip)).toEqual(['d.mp4', 'missing.mp4']);
  });

  test('an interrupted run goes on, and gives what an uninterrupted one gives', async () => {
    const clips = [file('a.mp4'), file('long.mp4'), file('b.mp4')];
    const whole = await curateVideos(clips, { folder: file('whole') });
    const abort = new AbortController();
    const onProgress = ({ clips: done }: CurationProgress): void => {
      if (done === 1) abort.abort(new Error('stop'));
    };
    const stopped = curateVideos(clips, { folder: file('parts'), signal: abort.signal, onProgress });
    await expect(stopped).rejects.toThrow('stop');
    expect(await readdir(file('parts'))).toEqual(['clips.jsonl']);
    // A crash may tear the last line.
    const journal = await readFile(file('parts', 'clips.jsonl'), 'utf8');
    await writeFile(file('parts', 'clips.jsonl'), `${journal}{"key":"torn`);
    let looked = 0;
    const rest = await curateVideos(clips, {
      folder: file('parts'),
      onProgress: ({ clips: done, seconds }) => {
        if (done === 0 && seconds > 0) looked++;
      },
    });
    expect(looked).toBe(0);
    expect(rest).toEqual(whole);
    for (const name of ['candidates.json', 'rejections.jsonl'])
      expect(await readFile(file('parts', name))).toEqual(await readFile(file('whole', name)));
    // Pictures that went missing come back.
    const { candidates } = JSON.parse(
      await readFile(file('parts', 'candidates.json'), 'utf8'),
    ) as CandidateFile;
    await rm(file('parts', candidates[0]!.input));
    await curateVideos(clips, { folder: file('parts') });
    expect(await readImage(file('parts', candidates[0]!.input))).toMatchObject(size);
  });

  test('CLIP weights of a folder give distances and their own band', async () => {
    const fixture = fileURLToPath(new URL('../../../nets/fixtures/clip-vision', import.meta.url));
    await using clip = await ClipVision.open(fixture);
    const [near, far] = [room(5, 40), room(60, 10)];
    const one = await clip.embed(near);
    expect(one.length).toBe(16);
    expect(cosineDistance(one, await clip.embed(near))).toBeCloseTo(0, 5);
    expect(cosineDistance(one, await clip.embed(far))).toBeGreaterThan(0);
    const options = { folder: file('clip'), embedder: clip, pairs: 'ends' as const };
    // Random weights see little: with the true band nothing passes, with one from 0 the pair does.
    const strict = await curateVideos([file('a.mp4')], {
      ...options,
      limits: { minDistance: 1.9, maxDistance: 2 },
    });
    expect(strict).toMatchObject({ embedding: 'clip', candidates: [], rejected: { 'embedding-near': 1 } });
    const open = await curateVideos([file('a.mp4')], {
      ...options,
      limits: { minDistance: 0, maxDistance: 2 },
    });
    expect(open.candidates[0]!.scores.distance).toBeGreaterThan(0);
    await expect(ClipVision.open(file('nowhere'))).rejects.toThrow(/config.json/);
  });

  test('folders are searched; odd options are named', async () => {
    await copyFile(file('a.mp4'), file('truth', 'Z.MP4'));
    const found = await findVideos([file('truth'), file('a.mp4'), file('a.mp4')]);
    expect(found.length).toBe(17);
    expect(found).toContain(file('truth', 'Z.MP4'));
    await expect(findVideos([file('absent')])).rejects.toThrow(/absent does not exist/);
    await expect(findVideos([file('whole')])).rejects.toThrow(/no videos in/);
    const run = (options: object) => curateVideos([file('a.mp4')], { folder: file('odd'), ...options });
    await expect(run({ pairsPerClip: 0 })).rejects.toThrow(/pairsPerClip must be/);
    await expect(run({ spacings: [1000] })).rejects.toThrow(/spacings must be/);
    await expect(run({ limits: { maxCut: Number.NaN } })).rejects.toThrow(/limits.maxCut must be/);
    await expect(run({ limits: { minChanged: 0.5, maxChanged: 0.1 } })).rejects.toThrow(/minChanged/);
    await expect(run({ captions: file('absent.json') })).rejects.toThrow(/absent.json does not exist/);
  });
});
