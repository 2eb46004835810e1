import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphRuntime, Random } from '@triptych/graph';
import type { Raster } from '@triptych/media';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Editor, type EditorRequest, samplerNames } from '../editor.js';
import { AuroraError } from '../errors.js';
import { tinyJson, tinyModelFolder } from '../testing/tiny-model.js';
import { openEmbeddedEditor } from './embedded-editor.js';
import { openEditModel, readEditWeights, saveEditModel } from './folder.js';
import { depthToSpace, OUTPUT_CHANNELS, spaceToDepth } from './pixels.js';

const random = new Random(3);
const picture = (side: number): Raster => ({
  width: side,
  height: side,
  channels: 3,
  data: Uint8Array.from({ length: 3 * side * side }, () => random.below(256)),
});
const request: EditorRequest = {
  image: picture(16),
  instruction: 'make the red cube blue',
  negative: '',
  seed: 5,
  steps: 3,
  sampler: 'ddim',
  textGuidance: 1,
  imageGuidance: 1,
};

let runtime: GraphRuntime;
let editor: Editor;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 1 });
  editor = await openEmbeddedEditor(await tinyModelFolder(random), { runtime });
});
afterAll(async () => {
  await editor[Symbol.asyncDispose]();
  await runtime.close();
});

const run = async (change: Partial<EditorRequest> = {}): Promise<Uint8Array> =>
  (await editor.run({ ...request, ...change })).data;

describe('space to depth', () => {
  it('loses nothing', () => {
    const { data } = picture(16);
    expect(depthToSpace(Float32Array.from(spaceToDepth(data, 16, 16)), 16, 16)).toEqual(data);
  });
});

describe('a model folder', () => {
  it('gives the weights it was written from, in half precision', async () => {
    const folder = await tinyModelFolder(random);
    const copy = join(await mkdtemp(join(tmpdir(), 'triptych-copy-')), 'copy');
    const { config, tokenizer, nativeSide, defaults, hash } = await openEditModel(folder);
    expect(config.unet.out_channels).toBe(OUTPUT_CHANNELS);
    await saveEditModel(copy, {
      json: tinyJson(tokenizer.vocabSize),
      weights: await readEditWeights(folder),
      tokenizerFolder: join(folder, 'tokenizer'),
      nativeSide,
      defaults,
    });
    expect((await openEditModel(copy)).hash).toBe(hash);
  });
});

describe('the embedded editor', () => {
  it('copies exactly where its last convolution is zero, with every sampler and any guidance', async () => {
    await using copier = await openEmbeddedEditor(await tinyModelFolder(random, { copies: true }), {
      runtime,
    });
    for (const sampler of samplerNames) {
      const { data } = await copier.run({ ...request, sampler, textGuidance: 4 });
      expect(data).toEqual(request.image.data);
    }
  });

  it('gives the same bytes for the same seed, and others for another', async () => {
    for (const sampler of samplerNames) {
      const first = await run({ sampler });
      expect(await run({ sampler })).toEqual(first);
      expect(await run({ sampler, seed: 6 })).not.toEqual(first);
    }
  });

  it('depends on the text at text guidance 1, and not at 0', async () => {
    expect(await run({ instruction: 'remove the cone' })).not.toEqual(await run());
    expect(await run({ instruction: 'remove the cone', textGuidance: 0 })).toEqual(
      await run({ textGuidance: 0 }),
    );
  });

  it('is the plain conditional result at 1 and 1, whatever the negative text is', async () => {
    expect(await run({ negative: 'remove the cone' })).toEqual(await run());
  });

  it('sees the source only through its branches: nothing of it at 0 and 0', async () => {
    const blind = { textGuidance: 0, imageGuidance: 0 };
    expect(await run({ ...blind, image: picture(16) })).toEqual(await run(blind));
  });

  it('adds the branches as published', async () => {
    // In one step the sample is the guided prediction itself: e0 + sI (eI - e0) + sT (eT - eI), before rounding.
    const values = async (textGuidance: number, imageGuidance: number): Promise<number[]> =>
      [...(await run({ steps: 1, textGuidance, imageGuidance }))].map(Number);
    const [full, image, none] = [await values(1, 1), await values(0, 1), await values(0, 0)];
    const at = (list: readonly number[], i: number): number => list[i] ?? Number.NaN;
    for (const [text, picture] of [
      [1, 0],
      [1.4, 1.2],
    ] as const) {
      const guided = await values(text, picture);
      for (let i = 0; i < guided.length; i++) {
        const expected =
          at(none, i) + picture * (at(image, i) - at(none, i)) + text * (at(full, i) - at(image, i));
        // Bytes are rounded and clamped, so values near the ends tell nothing.
        if ([at(full, i), at(image, i), at(none, i), expected].some((v) => v < 2 || v > 253)) continue;
        expect(Math.abs(at(guided, i) - expected)).toBeLessThan(3.5);
      }
    }
  });

  it('reports steps with previews, the last of which is the result of DDIM', async () => {
    const steps: number[] = [];
    let preview: Raster | undefined;
    const result = await editor.run(request, {
      onProgress: (progress) => {
        steps.push(progress.step);
        preview = progress.preview();
      },
    });
    expect(steps).toEqual([1, 2, 3]);
    expect(preview?.width).toBe(16);
    expect(result.data).toHaveLength(3 * 16 * 16);
  });

  it('stops before the next evaluation, and runs the calls after', async () => {
    const abort = new AbortController();
    const running = editor.run(request, {
      signal: abort.signal,
      onProgress: () => abort.abort(new Error('enough')),
    });
    const after = editor.run(request);
    await expect(running).rejects.toThrow('enough');
    expect((await after).data).toEqual(await run());
  });

  it('edits other sizes, and long or empty texts', async () => {
    expect((await editor.run({ ...request, image: picture(24) })).width).toBe(24);
    await run({ instruction: '' });
    await run({ instruction: 'red cube '.repeat(5000) });
  });

  it('encodes pictures as it denoises them', async () => {
    expect(await editor.encode(request.image)).toEqual(spaceToDepth(request.image.data, 16, 16));
  });

  it('refuses what it cannot run, naming the field', async () => {
    for (const [change, field] of [
      [{ image: picture(12) }, /image/],
      [{ steps: 0 }, /steps/],
      [{ steps: 1.5 }, /steps/],
      [{ seed: -1 }, /seed/],
      [{ textGuidance: Number.NaN }, /textGuidance/],
      [{ imageGuidance: -1 }, /imageGuidance/],
      [{ sampler: 'heun' as 'ddim' }, /sampler/],
    ] as const) {
      const error = await run(change).catch((reason: unknown) => reason);
      expect(AuroraError.isInstance(error)).toBe(true);
      expect(String(error)).toMatch(field);
    }
  });
});
