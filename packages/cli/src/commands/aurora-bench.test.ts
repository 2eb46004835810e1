import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { baselineEditor, copyEdit, type Editor } from '@triptych/aurora';
import { encodeImage } from '@triptych/media';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../run.js';
import { testRuntime } from '../testing/runtime.js';
import { addAuroraBenchCommand } from './aurora-bench.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'triptych-cli-bench-'));
  await mkdir(join(root, 'data'));
  const data = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => i % 251);
  await writeFile(
    join(root, 'data', 'a.png'),
    await encodeImage({ width: 32, height: 32, channels: 3, data }),
  );
  const row = { input: 'a.png', output: 'a.png', instruction: 'x', task: 'emu' };
  await writeFile(join(root, 'data', 'test.json'), JSON.stringify([row, row, row]));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const copying: Editor = { ...baselineEditor('copying', copyEdit), nativeSide: 32 };

function bench(args: readonly string[], editor: Editor = copying) {
  const test = testRuntime();
  const opened: string[] = [];
  const program = new Command().exitOverride();
  addAuroraBenchCommand(program, test.runtime, async (path) => {
    opened.push(path);
    return editor;
  });
  const all = ['bench', '-m', join(root, 'model'), '-d', join(root, 'data'), ...args];
  return { ...test, opened, done: program.parseAsync(all, { from: 'user' }) };
}

describe('triptych aurora bench', () => {
  it('runs a model over a folder, shows how far it is and writes both reports', async () => {
    const out = join(root, 'first');
    const test = bench(['-o', out, '--seeds', '2']);
    await test.done;
    expect(test.opened).toEqual([join(root, 'model')]);
    expect(test.stderr()).toContain('emu: 6 of 6');
    expect(test.stdout()).toContain(join(out, 'report.html'));
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('copying');
    const rows = JSON.parse(await readFile(join(out, 'results.json'), 'utf8')) as unknown[];
    expect(rows).toContainEqual(
      expect.objectContaining({ arm: 'copying', task: 'emu', metric: 'l1', mean: 0, n: 3, seeds: 2 }),
    );
  });

  it('prints JSON alone with --json', async () => {
    const test = bench(['-o', join(root, 'json'), '--rows', '1', '--json', '--no-disc-edit']);
    await test.done;
    const { results } = JSON.parse(test.stdout()) as { results: { n: number }[] };
    expect(results[0]?.n).toBe(1);
    expect(test.stderr()).toBe('');
  });

  it('adds CLIP-I with CLIP weights, and names what is wrong with them', async () => {
    const weights = fileURLToPath(new URL('../../../nets/fixtures/clip-vision', import.meta.url));
    const args = ['--rows', '1', '--seeds', '1', '--json', '--no-disc-edit', '--clip-vision'];
    const test = bench(['-o', join(root, 'clip'), ...args, weights]);
    await test.done;
    const { results } = JSON.parse(test.stdout()) as { results: { metric: string; mean: number }[] };
    // Source, target and output are one picture.
    expect(results.find(({ metric }) => metric === 'clip-i')?.mean).toBeCloseTo(1, 5);
    const wrong = bench(['-o', join(root, 'no-clip'), ...args, join(root, 'data')]);
    await expect(wrong.done).rejects.toThrow(/config.json/);
    expect(wrong.opened).toEqual([]);
  });

  it('stops at Ctrl-C and goes on from there', async () => {
    const out = join(root, 'stopped');
    let runs = 0;
    const slow: Editor = {
      ...copying,
      run: async (request, { signal } = {}) => {
        runs++;
        if (runs === 3) {
          test.runtime.interrupts.interrupt();
          signal?.throwIfAborted();
        }
        return request.image;
      },
    };
    const test = bench(['-o', out, '--seeds', '1', '-q'], slow);
    await expect(test.done).rejects.toMatchObject({ code: 'interrupted', exitCode: 130 });
    expect(existsSync(join(out, 'report.html'))).toBe(false);
    await bench(['-o', out, '--seeds', '1', '-q'], slow).done;
    expect(runs).toBe(4);
    expect(existsSync(join(out, 'report.html'))).toBe(true);
  });

  it('names what is wrong, with the exit codes of other commands', async () => {
    await expect(bench(['-o', join(root, 'bad'), '--tasks', 'clevr']).done).rejects.toThrow(
      /tasks names 'clevr'/,
    );
    const call = async (...args: string[]) => {
      const test = testRuntime({ isTerminal: false });
      return { code: await run(['aurora', 'bench', ...args], test.runtime), stderr: test.stderr() };
    };
    expect(await call()).toMatchObject({ code: 2, stderr: expect.stringContaining('--out <folder>') });
    expect(await call('-o', join(root, 'x'), '--seeds', '0')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('whole number from 1'),
    });
    expect(await call('-o', join(root, 'x'), '-d', join(root, 'nowhere'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no folder'),
    });
    expect(
      await call('-o', join(root, 'x'), '-d', join(root, 'data'), '-m', join(root, 'none')),
    ).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no model at'),
    });
  });
});
