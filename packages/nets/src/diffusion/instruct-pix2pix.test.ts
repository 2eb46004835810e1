import { rm } from 'node:fs/promises';
import type { ClipTokenizer } from '@triptych/checkpoints';
import { GraphRuntime } from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DiffusersFolder, openDiffusersFolder } from '../diffusers/folder.js';
import { DiffusersNetworks } from '../diffusers/networks.js';
import { goldenValues, relativeError } from '../testing/golden.js';
import { makeModelFolder } from '../testing/model-folder.js';
import { type EditRequest, InstructPix2Pix } from './instruct-pix2pix.js';

let runtime: GraphRuntime;
let folder: string;
let model: DiffusersFolder;
let golden: Readonly<Record<string, Float32Array>>;
let request: EditRequest;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 1 });
  folder = await makeModelFolder();
  model = await openDiffusersFolder(folder);
  golden = await goldenValues('edit');
  request = {
    image: golden.source ?? new Float32Array(),
    height: 64,
    width: 64,
    instruction: Int32Array.from(golden.instruction_ids ?? []),
    negative: Int32Array.from(golden.null_ids ?? []),
    steps: 6,
    guidance: { text: 3, image: 1.4 },
    noise: () => golden.noise ?? new Float32Array(),
  };
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

describe('InstructPix2Pix', () => {
  it('edits as the reference does with the same noise, within 1e-3', async () => {
    await using editor = new InstructPix2Pix(runtime, model);
    const done: number[] = [];
    const { image, latent } = await editor.edit({ ...request, onStep: (step) => done.push(step) });
    expect(relativeError(latent, golden.latent)).toBeLessThan(1e-3);
    expect(relativeError(image, golden.decoded)).toBeLessThan(1e-3);
    expect(done).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('shows the clean latent of every step beside the source, and runs another scheduler', async () => {
    await using editor = new InstructPix2Pix(runtime, model);
    const states: Float32Array[] = [];
    let source = new Float32Array();
    const { latent } = await editor.edit({
      ...request,
      onStep: (_done, _steps, state) => {
        states.push(state.clean());
        source = Float32Array.from(state.source);
      },
    });
    // The last step of DDIM goes to the first timestep's level, nearly clean.
    expect(relativeError(states.at(-1), latent)).toBeLessThan(0.1);
    expect(source).toEqual(await editor.encode(request));
    const scale = model.vae.config.scaling_factor;
    expect(
      relativeError(
        source,
        golden.image_latent?.map((value) => value * scale),
      ),
    ).toBeLessThan(1e-4);
    const scheduler = { ...model.scheduler, _class_name: 'EulerDiscreteScheduler' } as const;
    const euler = await editor.edit({ ...request, scheduler, noise: 3, steps: 2 });
    const ddim = await editor.edit({ ...request, noise: 3, steps: 2 });
    expect(relativeError(euler.latent, ddim.latent)).toBeGreaterThan(1e-3);
  });

  it('conditions on the mode of the source, unscaled', async () => {
    const networks = new DiffusersNetworks(runtime, model);
    const mode = await networks.encodeImage(request.image, 64, 64);
    expect(relativeError(mode, golden.image_latent)).toBeLessThan(1e-4);
    await networks.release();
  });

  it('depends on its seed alone, with a scheduler that adds noise', async () => {
    const ancestral = await openDiffusersFolder(folder, { scheduler: 'EulerAncestralDiscreteScheduler' });
    await using editor = new InstructPix2Pix(runtime, ancestral);
    const run = async (noise: number): Promise<Float32Array> =>
      (await editor.edit({ ...request, steps: 2, noise })).latent;
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
    expect(first.every(Number.isFinite)).toBe(true);
  });

  it('takes texts where the folder has a tokenizer, with the empty one as the negative', async () => {
    const ids = (text: string): Int32Array =>
      Int32Array.from(golden[text === '' ? 'null_ids' : 'instruction_ids'] ?? []);
    const tokenizer: ClipTokenizer = {
      vocabSize: 300,
      maxLength: 20,
      bosId: 298,
      eosId: 299,
      padId: 299,
      tokenize: (text) => [...ids(text)],
      encode: ids,
    };
    await using editor = new InstructPix2Pix(runtime, { ...model, tokenizer });
    const { image, height, width, noise = 0 } = request;
    const guidance = { text: 3, image: 1.4 };
    const { latent } = await editor.edit({
      image,
      height,
      width,
      noise,
      guidance,
      steps: 6,
      instruction: 'blue',
    });
    expect(relativeError(latent, golden.latent)).toBeLessThan(1e-3);
  });

  it('edits images whose latents do not halve evenly', async () => {
    await using editor = new InstructPix2Pix(runtime, model);
    const image = request.image.subarray(0, 3 * 20 * 12);
    const result = await editor.edit({ ...request, image, height: 20, width: 12, steps: 1, noise: 0 });
    expect(result.latent).toHaveLength(4 * 5 * 3);
    expect(result.image).toHaveLength(image.length);
    expect(result.image.every(Number.isFinite)).toBe(true);
  });

  it('stops when told to', async () => {
    await using editor = new InstructPix2Pix(runtime, model);
    const abort = new AbortController();
    const running = editor.edit({ ...request, onStep: () => abort.abort(new Error('enough')) }, abort.signal);
    await expect(running).rejects.toThrow('enough');
  });

  it('refuses what it cannot edit', async () => {
    const editor = new InstructPix2Pix(runtime, model);
    expect(editor.sideMultiple).toBe(4);
    await expect(editor.edit({ ...request, width: 62 })).rejects.toThrow(/sides that 4 divides/);
    await expect(editor.edit({ ...request, instruction: 'make it blue' })).rejects.toThrow(/no tokenizer/);
    await expect(editor.edit({ ...request, instruction: Int32Array.of(1) })).rejects.toThrow(/same length/);
    await expect(editor.edit({ ...request, instruction: Int32Array.of(300) })).rejects.toThrow(
      /vocab_size 300/,
    );
    await expect(editor.edit({ ...request, steps: 0 })).rejects.toThrow(/steps/);
    await expect(editor.edit({ ...request, guidance: { text: -1 } })).rejects.toThrow(/text guidance/);
    const four = { ...model.unet, config: { ...model.unet.config, in_channels: 4 } };
    expect(() => new InstructPix2Pix(runtime, { ...model, unet: four })).toThrow(/in_channels 4/);
  });
});
