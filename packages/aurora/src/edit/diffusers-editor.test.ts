import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphRuntime } from '@triptych/graph';
import type { Raster } from '@triptych/media';
import { makeModelFolder } from '@triptych/nets/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Editor } from '../editor.js';
import { Aurora } from './aurora.js';
import { fitLatentPreview } from './latent-preview.js';
import { openEditor } from './open-editor.js';

let folder: string;
let runtime: GraphRuntime;
let editor: Editor;
beforeAll(async () => {
  folder = await makeModelFolder({ tokenizer: true });
  runtime = await GraphRuntime.start({ threads: 1 });
  editor = await openEditor(folder, { runtime });
});
afterAll(async () => {
  await editor[Symbol.asyncDispose]();
  await runtime.close();
  await rm(folder, { recursive: true });
});

function gradient(width: number, height: number): Raster {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return (255 * (i % 3 === 0 ? x / width : i % 3 === 1 ? y / height : 0.5)) | 0;
  });
  return { width, height, channels: 3, data };
}

const request = (image: Raster) =>
  ({ image, instruction: 'make it red', negative: '', seed: 3, ...editor.defaults, steps: 2 }) as const;

describe('a diffusers folder', () => {
  it('says what it is', () => {
    expect(editor.hash).toMatch(/^[0-9a-f]{64}$/);
    // sample_size 16 of the U-Net, autoencoder factor 4.
    expect(editor).toMatchObject({ nativeSide: 64, sideMultiple: 4 });
    expect(editor.defaults).toEqual({ steps: 20, sampler: 'ddim', textGuidance: 7.5, imageGuidance: 1.5 });
  });

  it('edits with every sampler, the same pixels for the same seed, with previews', async () => {
    const image = gradient(32, 24);
    const pictures = new Map<string, Uint8Array>();
    for (const sampler of ['ddim', 'euler', 'euler-ancestral', 'dpm++'] as const) {
      const previews: Raster[] = [];
      const run = () =>
        editor.run({ ...request(image), sampler }, { onProgress: ({ preview }) => previews.push(preview()) });
      const result = await run();
      expect(result).toMatchObject({ width: 32, height: 24, channels: 3 });
      expect(previews.map(({ width, height }) => [width, height])).toEqual([
        [8, 6],
        [8, 6],
      ]);
      expect((await run()).data).toEqual(result.data);
      pictures.set(Buffer.from(result.data).toString('base64'), result.data);
    }
    expect(pictures.size).toBeGreaterThanOrEqual(3);
  });

  it('edits pictures of any size through Aurora, and stops within a step', async () => {
    const aurora = new Aurora(editor);
    const [result] = await aurora.edit(gradient(100, 61), 'make it red', { steps: 1, seed: 1 });
    expect(result?.image).toMatchObject({ width: 100, height: 61, channels: 3 });
    expect(result?.parameters).toMatchObject({ modelHash: editor.hash, sampler: 'ddim' });
    const controller = new AbortController();
    let steps = 0;
    const stopped = aurora.edit(
      gradient(100, 61),
      'x',
      { steps: 100 },
      {
        signal: controller.signal,
        onProgress: () => {
          steps += 1;
          controller.abort(new Error('enough'));
        },
      },
    );
    await expect(stopped).rejects.toThrow('enough');
    expect(steps).toBe(1);
  });

  it('gives the latent in the scale that it denoises in', async () => {
    const latent = await editor.encode(gradient(16, 16));
    expect(latent).toHaveLength(4 * 4 * 4);
    await expect(editor.encode(gradient(15, 16))).rejects.toMatchObject({ code: 'ARGUMENT' });
  });
});

describe('a folder whose scheduler is not built here', () => {
  it('runs as DDIM and says so, and as any sampler that is asked for', async () => {
    const path = await makeModelFolder({ tokenizer: true });
    const file = join(path, 'scheduler', 'scheduler_config.json');
    const config = (name: string, change: object): Promise<void> =>
      readFile(file, 'utf8').then((text) =>
        writeFile(file, JSON.stringify({ ...JSON.parse(text), _class_name: name, ...change })),
      );
    await config('PNDMScheduler', { skip_prk_steps: true });
    await using pndm = await openEditor(path, { threads: 1 });
    expect(pndm.note).toMatch(/^Its own PNDMScheduler is not built here: the sampler is ddim/);
    expect(editor.note).toBeUndefined();
    expect(pndm.defaults).toEqual(editor.defaults);
    const image = gradient(16, 16);
    for (const sampler of ['ddim', 'euler'] as const) {
      const wanted = await editor.run({ ...request(image), sampler });
      expect((await pndm.run({ ...request(image), sampler })).data).toEqual(wanted.data);
    }
    await config('FlowScheduler', { beta_schedule: null });
    await expect(openEditor(path, { threads: 1 })).rejects.toMatchObject({
      code: 'MODEL',
      message: expect.stringContaining('_class_name "FlowScheduler" is not supported'),
    });
    await rm(path, { recursive: true });
  });
});

describe('other folders', () => {
  it('are refused with what is wrong', async () => {
    const bare = await makeModelFolder();
    const other = await mkdtemp(join(tmpdir(), 'other-'));
    await mkdir(join(other, 'empty'));
    await writeFile(join(other, 'model_index.json'), '{"_class_name":"FluxPipeline"}');
    await writeFile(join(other, 'model.ckpt'), 'pickle');
    const message = async (path: string): Promise<string> => {
      const error: unknown = await openEditor(path, { runtime }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: 'AuroraError', code: 'MODEL' });
      return (error as Error).message;
    };
    expect(await message(bare)).toMatch(/no tokenizer/);
    expect(await message(other)).toMatch(/FluxPipeline/);
    expect(await message(join(other, 'empty'))).toMatch(/model_index.json/);
    expect(await message(join(other, 'model.ckpt'))).toMatch(/pickle/i);
    expect(await message(join(other, 'none'))).toMatch(/no model/);
    await rm(bare, { recursive: true });
    await rm(other, { recursive: true });
  });
});

it('a preview maps latents back to the colours they were fitted to', () => {
  const picture = gradient(8, 8);
  // A latent that is a linear mix of the colours.
  const latent = new Float32Array(4 * 64);
  for (let i = 0; i < 64; i++) {
    const [r, g, b] = [0, 1, 2].map((c) => picture.data[3 * i + c]! / 255);
    latent[i] = 2 * r! - g!;
    latent[64 + i] = g! + b!;
    latent[128 + i] = r! - 3 * b! + 1;
    latent[192 + i] = 0.5;
  }
  const shown = fitLatentPreview(latent, picture)(latent);
  shown.data.forEach((value, i) => {
    expect(Math.abs(value - picture.data[i]!)).toBeLessThan(8);
  });
});
