import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { appendLog, readLog } from './log.js';
import { lossCurveSvg } from './loss-curve.js';

describe('training log', () => {
  it('keeps the later line of a step that was repeated after a resume', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'triptych-log-'));
    const path = join(folder, 'log.jsonl');
    for (const [step, loss] of [
      [1, 5],
      [2, 4],
      [3, 9],
      [2, 4.5],
    ]) {
      await appendLog(path, { step, loss });
    }
    expect(await readLog(path)).toEqual([
      { step: 1, loss: 5 },
      { step: 2, loss: 4.5 },
      { step: 3, loss: 9 },
    ]);
    await rm(folder, { recursive: true });
  });
});

describe('a log whose run was killed while it wrote', () => {
  it('loses half a line and nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'triptych-log-'));
    const path = join(folder, 'log.jsonl');
    await appendLog(path, { step: 1, loss: 5 });
    await appendFile(path, '{"step":2,"lo');
    expect(await readLog(path)).toEqual([{ step: 1, loss: 5 }]);
    await appendLog(path, { step: 2, loss: 4 });
    await appendLog(path, { step: 3, loss: 3 });
    expect((await readLog(path)).map(({ step }) => step)).toEqual([1, 2, 3]);
    await rm(folder, { recursive: true });
  });
});

describe('lossCurveSvg', () => {
  it('draws every point inside the frame and escapes names', () => {
    const points = Array.from({ length: 50 }, (_, k) => ({ step: 7 * k + 7, value: 8 - Math.log(k + 1) }));
    const svg = lossCurveSvg('loss <of a run>', 'nats', [{ name: 'a & b', colour: '#c00', points }]);
    expect(svg).toContain('loss &lt;of a run&gt;');
    expect(svg).toContain('a &amp; b');
    const drawn = /points="([^"]+)"/.exec(svg)?.[1]?.split(' ') ?? [];
    expect(drawn).toHaveLength(50);
    const heights = drawn.map((point) => Number(point.split(',')[1]));
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(40);
    expect(Math.max(...heights)).toBeLessThanOrEqual(370);
    // A falling loss is drawn downwards.
    expect(heights).toEqual([...heights].sort((a, b) => a - b));
  });

  it('refuses an empty picture', () => {
    expect(() => lossCurveSvg('nothing', 'nats', [])).toThrow(RangeError);
  });
});
