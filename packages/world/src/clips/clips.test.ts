import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { decodeFrames, isVideoAvailable, probeVideo } from '@triptych/media';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  clipKinds,
  labelOfPair,
  makePair,
  motionOf,
  render,
  truthLabels,
  writeClips,
  writeCurationTruth,
} from '../index.js';

const hasVideo = await isVideoAvailable();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'triptych-clips-'));
});
afterAll(() => rm(folder, { recursive: true }));

test.each(clipKinds)(
  '%s: a motion goes from the state before to the state after, in small steps',
  async (kind) => {
    let pair: Awaited<ReturnType<typeof makePair>>;
    for (let seed = 0; !pair; seed++) pair = await makePair(seed, { kinds: [kind], size: 16 });
    const { scenes, from, to } = motionOf(pair.edit);
    expect(scenes[0]).toBe(pair.edit.before);
    expect(scenes[from]).toBe(pair.edit.before);
    expect(scenes[to]).toBe(pair.edit.after);
    expect(scenes.at(-1)).toBe(pair.edit.after);
    for (let i = 1; i < scenes.length; i++)
      for (const o of scenes[i]!.objects) {
        expect(Math.hypot(...o.rotation)).toBeCloseTo(1, 5);
        const was = scenes[i - 1]!.objects.find(({ id }) => id === o.id);
        if (was) expect(Math.hypot(...o.position.map((p, k) => p - was.position[k]!))).toBeLessThan(1);
      }
  },
);

test('looks are no motion', async () => {
  const pair = await makePair(1, { kinds: ['recolour'], size: 16 });
  expect(() => motionOf(pair!.edit)).toThrow(/no motion/);
});

test.runIf(hasVideo)('clips on disk begin and end with their pair, and have captions', async () => {
  const rows = await writeClips({
    folder,
    name: 'c',
    clips: 2,
    kinds: ['move', 'knock'],
    seeds: [0, 100],
    size: 64,
  });
  expect(JSON.parse(await readFile(path.join(folder, 'c/clips.json'), 'utf8'))).toEqual(rows);
  for (const row of rows) {
    const file = path.join(folder, row.clip);
    expect((await probeVideo(file)).frames).toBe(row.frames);
    expect(await readFile(file.replace('.mp4', '.txt'), 'utf8')).toBe(`${row.caption}\n`);
    const frames = [];
    for await (const { data } of decodeFrames(file)) frames.push(data);
    for (const [frame, state] of [
      [frames[0]!, row.state0],
      [frames.at(-1)!, row.state1],
    ] as const) {
      const truth = render(state, { width: 64 }).data;
      let error = 0;
      for (let i = 0; i < truth.length; i++) error += Math.abs(truth[i]! - frame[i]!);
      expect(error / truth.length).toBeLessThan(4); // mp4 is lossy
    }
  }
});

test.runIf(hasVideo)(
  'clips of known truth: every label, side-cars of both kinds, too few seeds, abort',
  async () => {
    const rows = await writeCurationTruth({
      folder: path.join(folder, 't'),
      clips: 2,
      size: 32,
      seeds: [0, 400],
    });
    expect(rows.map(({ label }) => label)).toEqual(truthLabels.flatMap((label) => [label, label]));
    for (const [i, row] of rows.entries()) {
      const side = row.clip.replace('.mp4', i % 2 === 0 ? '.txt' : '.json');
      expect(await readFile(path.join(folder, 't', side), 'utf8')).toContain(row.caption);
      expect(row.changeTo).toBeLessThan(row.frames / row.fps);
    }
    await expect(writeCurationTruth({ folder, seeds: [0, 1], size: 32, clips: 3 })).rejects.toThrow(/widen/);
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(writeCurationTruth({ folder, seeds: [0, 9], signal })).rejects.toThrow('stop');
  },
);

test('labels of pairs of frames follow from when the change happens', () => {
  const clip = { label: 'keep', changeFrom: 0.5, changeTo: 2 } as const;
  expect(labelOfPair(clip, 0, 2.5)).toBe('keep');
  expect(labelOfPair(clip, 0, 0.4)).toBe('nochange');
  expect(labelOfPair(clip, 2, 2.4)).toBe('nochange');
  expect(labelOfPair(clip, 0, 1)).toBe('partial');
  expect(labelOfPair({ ...clip, label: 'camera' }, 0, 0.1)).toBe('camera');
});
