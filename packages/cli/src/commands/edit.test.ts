/** `triptych edit` over a fake edit model: in this process, and as one (needs `dist/`) where signals matter. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aurora, recallParameters } from '@triptych/aurora';
import { FakeEditor } from '@triptych/aurora/testing';
import { decodeImage, encodeImage } from '@triptych/media';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../run.js';
import { testRuntime } from '../testing/runtime.js';
import { spawnFake, stopAll } from '../testing/spawn.js';

let folder: string;
let source: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'triptych-edit-'));
  source = join(folder, 'in.png');
  const data = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => i % 200);
  writeFileSync(source, await encodeImage({ width: 40, height: 30, channels: 3, data }));
  mkdirSync(at('model'));
  writeFileSync(at('model/model_index.json'), '{}');
});
afterEach(stopAll);
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

async function edit(...args: string[]) {
  return editWith({ isTerminal: false }, args);
}

async function editWith(
  options: { isTerminal: boolean; hasModel?: boolean; note?: string },
  args: readonly string[],
) {
  const { runtime, stdout, stderr } = testRuntime(options);
  const code = await run(['edit', ...args], {
    ...runtime,
    editModelFolder: options.hasModel === false ? '/nowhere' : at('model'),
    openAurora: async () => new Aurora(Object.assign(new FakeEditor(), { note: options.note })),
  });
  return { code, stdout: stdout(), stderr: stderr() };
}

describe('edit', () => {
  it('writes the result with its parameters, and says which seed', async () => {
    const { code, stdout, stderr } = await edit(source, 'make it red', '-o', at('out.png'), '--seed', '7');
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${at('out.png')}  seed 7\n`, stderr: '' });
    const bytes = readFileSync(at('out.png'));
    expect(await decodeImage(bytes)).toMatchObject({ width: 40, height: 30 });
    expect(await recallParameters(bytes)).toMatchObject({ instruction: 'make it red', seed: 7, steps: 3 });
  });

  it('takes every flag, makes several, and reports as JSON', async () => {
    const args = ['--steps', '2', '--sampler', 'euler', '--text-guidance', '3', '--image-guidance', '1.5'];
    const more = [
      '-n',
      '2',
      '--negative',
      'blue',
      '--size',
      '20x20',
      '--no-preserve',
      '--seed',
      '1',
      '--json',
    ];
    const { code, stdout } = await edit(source, 'x', '-o', at('many.jpg'), ...args, ...more);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      results: [
        {
          output: at('many-1.jpg'),
          seed: 1,
          parameters: { sampler: 'euler', negative: 'blue', size: [20, 20] },
        },
        {
          output: at('many-2.jpg'),
          seed: 2,
          parameters: { preserve: false, textGuidance: 3, imageGuidance: 1.5 },
        },
      ],
    });
    expect(await decodeImage(readFileSync(at('many-2.jpg')))).toMatchObject({ format: 'jpeg', width: 20 });
  });

  it('recalls what an earlier edit was asked for, and can strip it', async () => {
    await edit(source, 'make it red', '-o', at('first.png'), '--seed', '5', '--steps', '4');
    const again = await edit(source, '--recall', at('first.png'), '-o', at('again.png'), '--quiet');
    expect(again).toMatchObject({ code: 0, stdout: `${at('again.png')}\n` });
    expect(readFileSync(at('again.png'))).toEqual(readFileSync(at('first.png')));
    await edit(source, 'other', '--recall', at('first.png'), '--strip', '-o', at('stripped.png'));
    expect(await recallParameters(at('stripped.png'))).toBeUndefined();
    expect(await edit(source, '--recall', source, '-o', at('none.png'))).toMatchObject({ code: 2 });
  });

  it('recalls the seam with the mask, unless the mask is left out or another seam asked for', async () => {
    const data = Uint8Array.from({ length: 40 * 30 }, (_, i) => (i % 40 < 25 ? 255 : 0));
    writeFileSync(at('mask.png'), await encodeImage({ width: 40, height: 30, channels: 1, data }));
    const masked = ['--mask', at('mask.png')];
    const feather = async (name: string) => (await recallParameters(at(name)))?.mask?.feather;
    await edit(source, 'x', '-o', at('seam.png'), '--seed', '5', ...masked, '--feather', '7.5');
    await edit(source, '--recall', at('seam.png'), '-o', at('seam-again.png'), ...masked);
    expect(await feather('seam-again.png')).toBe(7.5);
    expect(readFileSync(at('seam-again.png'))).toEqual(readFileSync(at('seam.png')));
    const wider = [...masked, '--feather', '9'];
    await edit(source, '--recall', at('seam.png'), '-o', at('seam-wider.png'), ...wider);
    expect(await feather('seam-wider.png')).toBe(9);
    expect(await edit(source, '--recall', at('seam.png'), '-o', at('seamless.png'))).toMatchObject({
      code: 0,
    });
    expect(await feather('seamless.png')).toBeUndefined();
  });

  it('says what is wrong with a command line (2) or an input (1), and writes nothing', async () => {
    const usage = [
      [],
      [source],
      [source, 'x', '-o', 'x.bmp'],
      [source, 'x', '--size', 'big'],
      [source, 'x', '--seed', '-1'],
    ];
    for (const args of usage) {
      const { code, stderr } = await edit(...args);
      expect(code, args.join()).toBe(2);
      expect(stderr).not.toBe('');
    }
    writeFileSync(at('broken.png'), readFileSync(source).subarray(0, 60));
    for (const input of [at('broken.png'), at('absent.png')]) {
      const { code, stderr, stdout } = await edit(input, 'x', '-o', at('never.png'), '--json');
      expect(code).toBe(1);
      expect(stderr).toMatch(/image cannot be used/);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ARGUMENT' } });
    }
    expect(existsSync(at('never.png'))).toBe(false);
    const none = await editWith({ isTerminal: false, hasModel: false }, [source, 'x']);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('--model') });
  });

  it('says what is special about how the model is run, unless it is to be quiet', async () => {
    const options = { isTerminal: false, note: 'The sampler is another.' };
    const args = [source, 'x', '-o', at('note.png')];
    const told = await editWith(options, args);
    expect(told).toMatchObject({ code: 0, stderr: 'fake-edit: The sampler is another.\n' });
    expect(await editWith(options, [...args, '--quiet'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('shows steps at a terminal, and cleans up after itself', async () => {
    const { code, stderr } = await editWith({ isTerminal: true }, [
      source,
      'x',
      '-o',
      at('bar.png'),
      '-n',
      '2',
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain('picture 1/2, step 1/3');
    expect(stderr.endsWith('\r\u001b[K')).toBe(true);
  });

  it('leaves nothing behind at Ctrl-C, previews included', async () => {
    const before = readdirSync(folder).sort();
    const spawned = spawnFake(
      ['edit', source, 'x', '-o', at('stopped.png'), '--steps', '100', '--preview', at('live.png')],
      { fake: { editStepMs: 50 }, input: '' },
    );
    while (!existsSync(at('live.png'))) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await decodeImage(readFileSync(at('live.png')))).toMatchObject({ width: 16, height: 12 });
    spawned.child.kill('SIGINT');
    expect(await spawned.exit()).toBe(130);
    expect(readdirSync(folder).sort()).toEqual(before);
  });
});

describe('edit --batch', () => {
  it('runs, resumes, and fails with 1 when a row does', async () => {
    const rows = at('rows.jsonl');
    const row = { input: 'in.png', instruction: 'make it red' };
    writeFileSync(
      rows,
      [
        { ...row, output: 'b1.png' },
        { ...row, output: 'b2.png', seed: 3 },
      ]
        .map((one) => JSON.stringify(one))
        .join('\n'),
    );
    const first = await edit('--batch', rows, '--steps', '2');
    expect(first).toMatchObject({ code: 0, stdout: 'line 1: done b1.png\nline 2: done b2.png\n' });
    writeFileSync(rows, `${readFileSync(rows, 'utf8')}\n{"input":"in.png"}\n`);
    const second = await edit('--batch', rows, '--steps', '2', '--json');
    expect(second.code).toBe(1);
    const lines = second.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { status?: string });
    expect(lines.map(({ status }) => status)).toEqual(['skipped', 'skipped', 'failed', undefined]);
    expect(lines[3]).toMatchObject({ error: { code: 'rows_failed' } });
    expect((await edit('--batch', rows, '--mask', source)).code).toBe(2);
    expect((await edit('--batch', at('absent.jsonl'))).code).toBe(1);
  });
});
