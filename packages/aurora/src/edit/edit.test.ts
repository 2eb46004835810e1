import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage, encodeImage, type Raster } from '@triptych/media';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuroraError } from '../errors.js';
import { FakeEditor, type FakeEditorOptions } from '../testing/index.js';
import { Aurora, type EditProgress } from './aurora.js';
import { editBatch } from './batch.js';
import { recallParameters } from './metadata.js';
import type { EditOptions, ImageInput } from './options.js';
import { encodeResult, writeResult } from './result.js';

/** A picture with texture finer than any model here sees. */
function picture(width: number, height: number, channels: 3 | 4 = 3): Raster {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    for (let c = 0; c < channels; c++) data[i * channels + c] = 60 + ((x * 7 + y * 13 + c * 31) % 90);
  }
  return { width, height, channels, data };
}

function setUp(options: FakeEditorOptions = {}) {
  const editor = new FakeEditor(options);
  return { editor, aurora: new Aurora(editor, () => 99) };
}

async function editOne(aurora: Aurora, image: ImageInput, options: EditOptions = {}): Promise<Raster> {
  const [result] = await aurora.edit(image, 'make it red', options);
  if (result === undefined) throw new Error('no result');
  return result.image;
}

const fieldOf = async (promise: Promise<unknown>): Promise<string | undefined> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!AuroraError.isInstance(error)) throw error ?? new Error('no error');
  expect(error.code).toBe('ARGUMENT');
  return error.field;
};

describe('sizes', () => {
  it('come back as they were, with unchanged pixels exact, for any shape', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 90 }),
        fc.boolean(),
        async (width, height, preserve) => {
          const { aurora, editor } = setUp({
            paint: ({ image }) => ({ ...image, data: image.data.slice() }),
          });
          const source = picture(width, height);
          const result = await editOne(aurora, source, { preserve });
          expect([result.width, result.height, result.channels]).toEqual([width, height, 3]);
          if (preserve) expect(result.data).toEqual(source.data);
          const { image } = editor.seen[0]!;
          expect(image.width % 4).toBe(0);
          expect(image.height % 4).toBe(0);
          expect(Math.max(image.width, image.height)).toBe(16);
          // Never squeezed: the content keeps the source's shape to within a pixel of the model's.
          const shown = (16 * Math.min(width, height)) / Math.max(width, height);
          expect(Math.min(image.width, image.height)).toBe(4 * Math.ceil(Math.max(1, Math.round(shown)) / 4));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keep the pixels far from a change, and the texture of what only took another tint', async () => {
    const warmer = setUp({
      paint: ({ image }) => ({
        ...image,
        data: image.data.map((value, i) => (i % 3 === 0 ? value + 60 : value)),
      }),
    });
    const source = picture(160, 120);
    const tinted = await editOne(warmer.aurora, source);
    const errors = tinted.data.map((value, i) => Math.abs(value - source.data[i]! - (i % 3 === 0 ? 60 : 0)));
    expect(Math.max(...errors.slice(0, 30_000))).toBeLessThanOrEqual(1);
    const { aurora } = setUp();
    const local = await editOne(aurora, source);
    let [changed, far] = [0, 0];
    for (let y = 0; y < 120; y++)
      for (let x = 0; x < 160; x++) {
        const i = 3 * (y * 160 + x);
        if (local.data[i] === source.data[i]) continue;
        changed += 1;
        // The middle half changed; one pixel of the model's is ten here.
        if (x < 20 || x >= 140 || y < 10 || y >= 110) far += 1;
      }
    expect(far).toBe(0);
    expect(changed / (160 * 120)).toBeGreaterThan(0.2);
  });

  it('leave no ghost where a thing came', async () => {
    // Stripes that the model does see, replaced by a flat patch.
    const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) =>
      (Math.floor(i / 3) % 64) & 8 ? 200 : 40,
    );
    const source: Raster = { width: 64, height: 64, channels: 3, data };
    const { aurora } = setUp({
      nativeSide: 32,
      paint: ({ image }) => ({ ...image, data: new Uint8Array(image.data.length).fill(120) }),
    });
    const result = await editOne(aurora, source);
    for (const value of result.data) expect(Math.abs(value - 120)).toBeLessThanOrEqual(12);
  });

  it('can be asked for: cropped, never squeezed', async () => {
    const { aurora } = setUp({ paint: ({ image }) => ({ ...image, data: image.data.slice() }) });
    const wide = picture(80, 40);
    const square = await editOne(aurora, wide, { size: { width: 40, height: 40 } });
    const middle: number[] = [];
    for (let y = 0; y < 40; y++) middle.push(...wide.data.subarray(3 * (y * 80 + 20), 3 * (y * 80 + 60)));
    expect([...square.data]).toEqual(middle);
  });

  it('turn as EXIF says, and keep transparency', async () => {
    const { aurora, editor } = setUp({ paint: ({ image }) => ({ ...image, data: image.data.slice() }) });
    const { data } = picture(40, 20);
    const sideways = await sharp(data, { raw: { width: 40, height: 20, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const upright = await editOne(aurora, sideways);
    expect([upright.width, upright.height]).toEqual([20, 40]);
    expect(editor.seen[0]?.image.height).toBe(16);
    const glass = picture(20, 20, 4);
    const kept = await editOne(aurora, await encodeImage(glass));
    expect(kept).toEqual(glass);
  });
});

describe('a mask', () => {
  const source = picture(40, 40);
  const half: Raster = {
    width: 40,
    height: 40,
    channels: 1,
    data: Uint8Array.from({ length: 1600 }, (_, i) => (i % 40 < 20 ? 255 : 0)),
  };
  const white = { paint: ({ image }: { image: Raster }) => ({ ...image, data: image.data.map(() => 255) }) };

  it('keeps the source outside, exactly, and has its seam inside', async () => {
    for (const preserve of [true, false]) {
      const { aurora } = setUp(white);
      const result = await editOne(aurora, source, { mask: half, feather: 8, preserve });
      const mean = (x: number): number => {
        let sum = 0;
        for (let y = 0; y < 40; y++) sum += result.data[3 * (y * 40 + x)]!;
        return sum / 40;
      };
      for (let y = 0; y < 40; y++) {
        const row = 3 * y * 40;
        expect(result.data.subarray(row + 60, row + 120)).toEqual(source.data.subarray(row + 60, row + 120));
      }
      // Rises over 8 pixels from the edge, full beyond them and at the picture's border.
      expect(mean(19)).toBeLessThan(mean(17));
      expect(mean(17)).toBeLessThan(mean(15));
      expect(mean(11)).toBeGreaterThan(240);
      expect(mean(0)).toBeGreaterThan(240);
    }
  });

  it('is read from alpha, from black and white, and from pixels, alike', async () => {
    const rgba = new Uint8Array(1600 * 4);
    const grey = new Uint8Array(1600 * 3);
    half.data.forEach((value, i) => {
      rgba.set([9, 9, 9, 255 - value], 4 * i);
      grey.fill(value, 3 * i, 3 * i + 3);
    });
    const alpha = await encodeImage({ width: 40, height: 40, channels: 4, data: rgba });
    const blackWhite = await encodeImage({ width: 40, height: 40, channels: 3, data: grey });
    const { aurora } = setUp(white);
    const expected = await editOne(aurora, source, { mask: half });
    for (const mask of [alpha, blackWhite, { width: 40, height: 40, channels: 4, data: rgba } as const])
      expect(await editOne(aurora, source, { mask })).toEqual(expected);
  });

  it('thinner than its seam still takes the whole edit in its middle', async () => {
    const line = { ...half, data: half.data.map((_, i) => (Math.abs((i % 40) - 20) < 3 ? 255 : 0)) };
    const { aurora } = setUp(white);
    const result = await editOne(aurora, source, { mask: line, feather: 100 });
    expect(result.data[3 * (20 * 40 + 20)]).toBeGreaterThan(240);
  });

  it('must have the size of the picture as shown, and mark something', async () => {
    const { aurora } = setUp();
    const wrong: Raster = { width: 20, height: 40, channels: 1, data: new Uint8Array(800) };
    const none: Raster = { ...half, data: new Uint8Array(1600) };
    expect(await fieldOf(aurora.edit(source, 'x', { mask: wrong }))).toBe('mask');
    expect(await fieldOf(aurora.edit(source, 'x', { mask: none }))).toBe('mask');
    expect(await fieldOf(aurora.edit(source, 'x', { mask: Uint8Array.of(1, 2, 3) }))).toBe('mask');
    expect(await fieldOf(aurora.edit(source, 'x', { feather: 2 }))).toBe('feather');
  });
});

describe('bad input', () => {
  it('is named, before the model runs', async () => {
    const { aurora, editor } = setUp();
    const good = picture(8, 8);
    const options: readonly (readonly [string, Record<string, unknown>])[] = [
      ['textGuidance', { textGuidance: Number.NaN }],
      ['textGuidance', { textGuidance: Number.POSITIVE_INFINITY }],
      ['imageGuidance', { imageGuidance: 0.5 }],
      ['seed', { seed: -1 }],
      ['seed', { seed: 2 ** 32 }],
      ['steps', { steps: 0 }],
      ['steps', { steps: 1.5 }],
      ['n', { n: 11 }],
      ['sampler', { sampler: 'magic' }],
      ['negative', { negative: 'x'.repeat(3000) }],
      ['size', { size: { width: 0, height: 5 } }],
      ['size', { size: { width: 16_000, height: 16_000 } }],
      ['preserve', { preserve: 'yes' }],
    ];
    for (const [field, bad] of options)
      expect(await fieldOf(aurora.edit(good, 'x', bad as EditOptions))).toBe(field);
    for (const text of ['', ' \n ', 'word '.repeat(10_000)])
      expect(await fieldOf(aurora.edit(good, text))).toBe('instruction');
    const bomb = await sharp({ create: { width: 5000, height: 5000, channels: 3, background: '#000' } })
      .png({ compressionLevel: 9 })
      .toBuffer();
    expect(bomb.length).toBeLessThan(2e6);
    const whole = await encodeImage(picture(64, 64));
    const images: readonly unknown[] = [
      bomb,
      whole.subarray(0, whole.length >> 1),
      new Uint8Array(),
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      '/no/such/file.png',
      { width: 0, height: 4, channels: 3, data: new Uint8Array() },
      { width: 4, height: 4, channels: 3, data: new Uint8Array(5) },
      { width: 4, height: 4, channels: 3, data: [1, 2, 3] },
      null,
    ];
    for (const image of images)
      expect(await fieldOf(aurora.edit(image as ImageInput, 'x')), String(image).slice(0, 40)).toBe('image');
    expect(editor.seen).toEqual([]);
  });
});

describe('a call', () => {
  it('makes n results with seeds counting up, and reports each step and result', async () => {
    const { aurora, editor } = setUp();
    const progress: EditProgress[] = [];
    const early: number[] = [];
    const results = await aurora.edit(
      picture(30, 20),
      ' make it red ',
      { n: 2, seed: 2 ** 32 - 1, negative: 'blue', steps: 2 },
      {
        onProgress: (one) => {
          progress.push(one);
          const { width, height } = one.preview();
          expect([width, height]).toEqual([16, 11]);
        },
        onResult: ({ index }) => {
          early.push(index);
        },
      },
    );
    expect(results.map(({ seed }) => seed)).toEqual([2 ** 32 - 1, 0]);
    expect(early).toEqual([0, 1]);
    expect(progress.map(({ index, step }) => [index, step])).toEqual([
      [0, 1],
      [0, 2],
      [1, 1],
      [1, 2],
    ]);
    expect(progress[0]?.etaSeconds).toBeUndefined();
    expect(progress[1]?.etaSeconds).toBeGreaterThan(0);
    expect(progress[3]?.etaSeconds).toBe(0);
    expect(editor.seen[0]).toMatchObject({
      instruction: 'make it red',
      negative: 'blue',
      steps: 2,
      textGuidance: 2,
    });
  });

  it('stops within one step', async () => {
    const { aurora, editor } = setUp({ stepMs: 1 });
    const controller = new AbortController();
    const stopped = aurora.edit(
      picture(30, 20),
      'x',
      { steps: 100, n: 10 },
      {
        signal: controller.signal,
        onProgress: ({ step }) => {
          if (step === 3) controller.abort(new Error('enough'));
        },
      },
    );
    await expect(stopped).rejects.toThrow('enough');
    expect(editor.stepsDone).toBe(3);
    await expect(aurora.edit(picture(8, 8), 'x', {}, { signal: controller.signal })).rejects.toThrow(
      'enough',
    );
  });

  it('takes a result as the next input and remembers the chain', async () => {
    const { aurora } = setUp();
    const [first] = await aurora.edit(picture(30, 20), 'first', { seed: 1 });
    const [second] = await aurora.edit(first!, 'second', { seed: 2 });
    const file = await encodeResult(second!);
    const [third] = await aurora.edit(file, 'third', { seed: 3 });
    expect(third?.parameters.history?.map(({ instruction, seed }) => [instruction, seed])).toEqual([
      ['first', 1],
      ['second', 2],
    ]);
    expect(third?.image).not.toEqual(second?.image);
  });
});

describe('metadata', () => {
  it('is recalled as it was written, non-Latin text too, or left out', async () => {
    const { aurora } = setUp();
    const instruction = 'mach den W\u00fcrfel rot \u2192 \u8d64\u3044';
    const [result] = await aurora.edit(picture(8, 8), instruction, {
      size: { width: 6, height: 4 },
      textGuidance: 1.5,
    });
    const png = await encodeResult(result!);
    expect(await recallParameters(png)).toEqual(result?.parameters);
    expect(result?.parameters).toMatchObject({ instruction, seed: 99, model: 'fake-edit', size: [6, 4] });
    expect((await decodeImage(png)).text.Comment).toContain('Edited with Triptych');
    const note = await encodeResult(result!, { metadata: 'note' });
    expect(await recallParameters(note)).toBeUndefined();
    expect((await decodeImage(note)).text).toEqual({
      Software: 'Triptych',
      Comment: 'Edited with Triptych, a generative model.',
    });
    expect((await decodeImage(await encodeResult(result!, { metadata: 'none' }))).text).toEqual({});
    expect(await recallParameters(await encodeResult(result!, { format: 'jpeg' }))).toBeUndefined();
  });

  it('that is hostile is refused', async () => {
    const of = (json: string) => encodeImage(picture(4, 4), { text: { 'triptych-edit': json } });
    for (const json of ['', '{', '[]', '{"seed":"1"}', '{"__proto__":{}}'])
      await expect(recallParameters(await of(json))).rejects.toMatchObject({ code: 'DATA' });
    const { aurora } = setUp();
    const [result] = await aurora.edit(await of('{'), 'x');
    expect(result?.parameters.history).toBeUndefined();
  });
});

describe('a batch', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'batch-'));
    await writeFile(join(folder, 'in.png'), await encodeImage(picture(20, 20)));
    const mask = new Uint8Array(400).fill(255, 0, 200);
    await writeFile(
      join(folder, 'mask.png'),
      await encodeImage({ width: 20, height: 20, channels: 1, data: mask }),
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  const write = async (rows: readonly (object | string)[]): Promise<string> => {
    const file = join(folder, 'rows.jsonl');
    await writeFile(
      file,
      rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'),
    );
    return file;
  };

  it('runs rows, collects errors and skips what is there', async () => {
    const { aurora, editor } = setUp();
    const row = { input: 'in.png', instruction: 'make it red' };
    const file = await write([
      { ...row, output: 'out/a.png' },
      '{broken',
      { ...row, output: 'out/b.png', mask: 'mask.png', seed: 5, size: [10, 10] },
      { ...row, output: 'out/a.png' },
      { ...row, output: 'out/c.bmp' },
      { ...row, output: 'out/d.png', steps: 1e9 },
      { ...row, output: 'out/e.png', sted: 1 },
      { ...row, input: 'none.png', output: 'out/f.png' },
      '',
      { ...row, output: 'out/g.jpg' },
    ]);
    const outcomes = await editBatch(aurora, file, { defaults: { textGuidance: 3 } });
    expect(outcomes.map(({ line, status }) => `${line} ${status}`)).toEqual([
      '1 done',
      '2 failed',
      '3 done',
      '4 failed',
      '5 failed',
      '6 failed',
      '7 failed',
      '8 failed',
      '10 done',
    ]);
    const messages = outcomes.map((one) => (one.status === 'failed' ? one.error.message : ''));
    expect(messages[3]).toMatch(/line 1 writes/);
    expect(messages[5]).toMatch(/^steps/);
    expect(messages[6]).toMatch(/^sted/);
    expect(messages[7]).toMatch(/^input/);
    expect(await recallParameters(join(folder, 'out/a.png'))).toMatchObject({ seed: 0, textGuidance: 3 });
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(['a.png', 'b.png', 'g.jpg']);

    const made = editor.seen.length;
    const again = await editBatch(aurora, file, { defaults: { textGuidance: 3 } });
    expect(again.map(({ status }) => status).filter((status) => status !== 'failed')).toEqual([
      'skipped',
      'skipped',
      // JPEG carries no parameters to recognise it by.
      'done',
    ]);
    expect(editor.seen.length).toBe(made + 1);
    const other = await editBatch(aurora, file, { defaults: { textGuidance: 4 } });
    expect(other[0]?.status).toBe('done');
  });

  it('stops when told to, and says when there is nothing to run', async () => {
    const { aurora } = setUp({ stepMs: 1 });
    const file = await write([{ input: 'in.png', instruction: 'x', output: 'stopped.png', steps: 100 }]);
    const controller = new AbortController();
    const running = editBatch(aurora, file, {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(running).rejects.toThrow('enough');
    expect((await readdir(folder)).filter((name) => name.startsWith('stopped'))).toEqual([]);
    await expect(editBatch(aurora, await write(['']))).rejects.toMatchObject({ code: 'DATA' });
    await expect(editBatch(aurora, join(folder, 'none.jsonl'))).rejects.toMatchObject({ code: 'DATA' });
  });

  it('writes nothing where a result cannot be encoded', async () => {
    const { aurora } = setUp();
    const [result] = await aurora.edit(picture(8, 8), 'x');
    await expect(writeResult(join(folder, 'x.bmp'), result!)).rejects.toMatchObject({ field: 'output' });
  });
});
