/** `triptych aurora curate` in this process. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { encodeVideo, isVideoAvailable, type Raster } from '@triptych/media';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exitCodes } from '../exit.js';
import { run } from '../run.js';
import { testRuntime } from '../testing/runtime.js';

const hasVideo = await isVideoAvailable();
let folder: string;
const file = (name: string): string => path.join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'triptych-curate-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A dark box over a ramp, moving to the right in the middle of the clip. */
function frames(): Raster[] {
  return Array.from({ length: 24 }, (_, i) => {
    const left = 8 + 4 * Math.min(10, Math.max(0, i - 7));
    const data = Uint8Array.from({ length: 96 * 64 * 3 }, (_, at) => {
      const x = Math.floor(at / 3) % 96;
      const y = Math.floor(at / 3 / 96);
      return x >= left && x < left + 12 && y >= 30 && y < 42 ? 20 : 90 + x + ((y >> 3) & 1) * 30;
    });
    return { width: 96, height: 64, channels: 3, data };
  });
}

test.runIf(hasVideo)('finds candidates, prints what came out, and goes on where it was', async () => {
  await encodeVideo(file('clip.mp4'), frames(), { fps: 12 });
  await writeFile(file('clip.txt'), 'push the box to the right\n');
  await writeFile(file('broken.mp4'), 'no video');
  const out = file('out');
  const { runtime, stdout, stderr } = testRuntime();
  expect(await run(['aurora', 'curate', folder, '--out', out], runtime)).toBe(exitCodes.ok);
  expect(stdout()).toMatch(/^1 candidates of 1 pairs in 2 clips\n.*Next: triptych aurora review /s);
  expect(stderr()).toMatch(/skipped: .*broken.mp4 cannot be opened as a video/);
  const { candidates } = JSON.parse(await readFile(path.join(out, 'candidates.json'), 'utf8'));
  expect(candidates[0]).toMatchObject({ clip: 'clip.mp4', instruction: 'push the box to the right' });
  const again = testRuntime();
  expect(await run(['aurora', 'curate', file('clip.mp4'), '-o', out, '--json'], again.runtime)).toBe(
    exitCodes.ok,
  );
  expect(JSON.parse(again.stdout())).toEqual({
    folder: out,
    clips: 1,
    pairs: 1,
    candidates: 1,
    rejected: {},
    failed: [],
  });
  const strict = testRuntime();
  const args = [
    'aurora',
    'curate',
    file('clip.mp4'),
    '-o',
    file('strict'),
    '--max-changed',
    '0.01',
    '--json',
  ];
  expect(await run(args, strict.runtime)).toBe(exitCodes.ok);
  expect(JSON.parse(strict.stdout())).toMatchObject({ candidates: 0, rejected: { 'too-much-change': 1 } });
});

test('says what is missing or odd', async () => {
  const { runtime, stdout, stderr } = testRuntime();
  expect(await run(['aurora', 'curate', file('absent.mp4'), '-o', file('x'), '--json'], runtime)).toBe(
    exitCodes.failure,
  );
  expect(JSON.parse(stdout())).toMatchObject({ error: { code: 'DATA' } });
  expect(stderr()).toMatch(/absent.mp4 does not exist/);
  expect(await run(['aurora', 'curate', 'a.mp4'], testRuntime().runtime)).toBe(exitCodes.usage);
  const flags = ['aurora', 'curate', 'a.mp4', '-o', 'x', '--max-changed', '7'];
  expect(await run(flags, testRuntime().runtime)).toBe(exitCodes.usage);
});
