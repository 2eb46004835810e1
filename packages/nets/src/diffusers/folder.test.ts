import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHalfBits, readSafetensors, toHalfBits, writeSafetensors } from '@triptych/checkpoints';
import { exportOnnx, GraphRuntime, input } from '@triptych/graph';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseClipTextConfig } from '../clip/config.js';
import { clipTextModel } from '../clip/text.js';
import { fixtureConfig, fixtureFolder, goldenValues, relativeError } from '../testing/golden.js';
import { makeModelFolder, SCHEDULER_CONFIG, writeJson } from '../testing/model-folder.js';
import { bindWeights, clipAliases, vaeAliases } from '../weights/bind.js';
import { openWeightFiles } from '../weights/weight-files.js';
import { openDiffusersFolder } from './folder.js';

let folder: string;
beforeEach(async () => {
  folder = await makeModelFolder();
});
afterEach(() => rm(folder, { recursive: true }));

const unetWeights = (): string => join(folder, 'unet', 'diffusion_pytorch_model.safetensors');

async function changeConfig(part: string, change: object): Promise<void> {
  const path = join(folder, part, 'config.json');
  await writeJson(path, { ...JSON.parse(await readFile(path, 'utf8')), ...change });
}

describe('openDiffusersFolder', () => {
  it('reads configurations and headers, and writes nothing', async () => {
    const before = await readdir(folder, { recursive: true });
    const model = await openDiffusersFolder(folder);
    expect(model.pipeline).toBe('StableDiffusionInstructPix2PixPipeline');
    expect(model.unet.config.in_channels).toBe(8);
    expect(model.vae.config.scaling_factor).toBe(0.18215);
    expect(model.textEncoder.files.tensors.size).toBe(36);
    expect(model.scheduler._class_name).toBe('DDIMScheduler');
    expect(model.tokenizer).toBeUndefined();
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  });

  it('reads what Python calls numbers', async () => {
    const text = JSON.stringify({
      ...SCHEDULER_CONFIG,
      _class_name: 'DPMSolverMultistepScheduler',
      note: '-Infinity',
    });
    const path = join(folder, 'scheduler', 'scheduler_config.json');
    await writeFile(path, text.replace('}', ', "lambda_min_clipped": -Infinity, "sigma_min": NaN}'));
    expect((await openDiffusersFolder(folder)).scheduler.lambda_min_clipped).toBe(Number.NEGATIVE_INFINITY);
  });

  it('runs schedulers that are not built here as DDIM on their betas, and refuses what is none', async () => {
    const path = join(folder, 'scheduler', 'scheduler_config.json');
    // As Stable Diffusion 1.5 has it.
    const pndm = {
      _class_name: 'PNDMScheduler',
      beta_start: 0.00085,
      beta_end: 0.012,
      beta_schedule: 'scaled_linear',
      num_train_timesteps: 1000,
      set_alpha_to_one: false,
      skip_prk_steps: true,
      steps_offset: 1,
      trained_betas: null,
    };
    const ddim = await openDiffusersFolder(folder);
    expect(ddim.missingScheduler).toBeUndefined();
    await writeJson(path, pndm);
    const model = await openDiffusersFolder(folder);
    expect(model.missingScheduler).toBe('PNDMScheduler');
    expect(model.scheduler).toEqual(ddim.scheduler);
    const asked = await openDiffusersFolder(folder, { scheduler: 'EulerDiscreteScheduler' });
    expect(asked.scheduler._class_name).toBe('EulerDiscreteScheduler');
    expect(asked.missingScheduler).toBeUndefined();
    const junk = [
      { ...pndm, beta_schedule: undefined },
      { ...pndm, beta_start: '0.1' },
      { ...pndm, _class_name: 'AutoencoderKL' },
      { ...pndm, _class_name: 7 },
      { ...pndm, _class_name: undefined },
      { ...pndm, beta_schedule: 'sigmoid' },
      { ...pndm, thresholding: true },
      { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 },
    ];
    for (const json of junk) {
      await writeJson(path, json);
      await expect(openDiffusersFolder(folder), JSON.stringify(json)).rejects.toMatchObject({
        code: 'invalid_config',
        message: expect.stringMatching(/^scheduler_config\.json: /),
      });
    }
  });

  it('refuses pickles and says how to convert them', async () => {
    await rm(unetWeights());
    await writeFile(join(folder, 'unet', 'diffusion_pytorch_model.bin'), 'PK');
    const refusal = {
      code: 'unsupported_file',
      message: expect.stringMatching(/\.bin" is a Python pickle.*save_file/),
    };
    await expect(openDiffusersFolder(folder)).rejects.toMatchObject(refusal);
    const checkpoint = join(folder, 'model.ckpt');
    await writeFile(checkpoint, 'PK');
    await expect(openDiffusersFolder(checkpoint)).rejects.toThrow(/model.ckpt" is a Python pickle/);
    await expect(openDiffusersFolder(unetWeights().replace('unet/', ''))).rejects.toThrow(/does not exist/);
  });

  it('names the part that is missing', async () => {
    await rm(unetWeights());
    await expect(openDiffusersFolder(folder)).rejects.toThrow(/unet" holds no weights/);
    await rm(join(folder, 'model_index.json'));
    await expect(openDiffusersFolder(folder)).rejects.toMatchObject({ code: 'unsupported_file' });
  });

  it('names the tensor whose shape is another', async () => {
    await changeConfig('unet', { in_channels: 4 });
    await expect(openDiffusersFolder(folder)).rejects.toMatchObject({
      code: 'invalid_weights',
      message: 'unet: tensor "conv_in.weight" should have the shape [32,4,3,3], found [32,8,3,3]',
    });
    await changeConfig('unet', { in_channels: 8, transformer_layers_per_block: 2 });
    await expect(openDiffusersFolder(folder)).rejects.toThrow(
      /unet: the weights lack "down_blocks.0.*transformer_blocks.1.* more; do they/,
    );
  });

  it('names the class, part and key that are not supported', async () => {
    await changeConfig('unet', { class_embed_type: 'timestep' });
    await expect(openDiffusersFolder(folder)).rejects.toThrow(
      /unet config.json: class_embed_type "timestep"/,
    );
    await changeConfig('unet', { class_embed_type: null });
    await changeConfig('text_encoder', { hidden_size: 64 });
    await expect(openDiffusersFolder(folder)).rejects.toThrow(/cross_attention_dim 32 is not .* 64/);
    await writeJson(join(folder, 'model_index.json'), { unet: ['diffusers', 'Transformer2DModel'] });
    await expect(openDiffusersFolder(folder)).rejects.toThrow(
      /unet is "Transformer2DModel", supported: UNet2D/,
    );
    await writeFile(join(folder, 'model_index.json'), '[');
    await expect(openDiffusersFolder(folder)).rejects.toMatchObject({ code: 'invalid_config' });
  });

  it('lets damaged files be damaged files', async () => {
    const bytes = await readFile(unetWeights());
    await rm(unetWeights());
    await writeFile(unetWeights(), bytes.subarray(0, bytes.length - 4));
    await expect(openDiffusersFolder(folder)).rejects.toMatchObject({ code: 'SAFETENSORS' });
  });
});

describe('openWeightFiles', () => {
  it('reads the shards that an index lists', async () => {
    const { tensors } = await readSafetensors(unetWeights());
    const all = [...tensors];
    await rm(unetWeights());
    const names = ['one.safetensors', 'two.safetensors'] as const;
    await writeSafetensors(join(folder, 'unet', names[0]), { tensors: all.slice(0, 100) });
    await writeSafetensors(join(folder, 'unet', names[1]), { tensors: all.slice(100) });
    const index = join(folder, 'unet', 'diffusion_pytorch_model.safetensors.index.json');
    await writeJson(index, {
      weight_map: Object.fromEntries(all.map(([name], i) => [name, names[i < 100 ? 0 : 1]])),
    });
    const { unet } = await openDiffusersFolder(folder);
    expect(unet.files.tensors.size).toBe(all.length);
    await writeJson(index, { weight_map: { a: '../../etc/passwd.safetensors' } });
    await expect(openDiffusersFolder(folder)).rejects.toThrow(/names "\.\.\/\.\.\/etc\/passwd.safetensors"/);
  });

  it('prefers the variant that is asked for, and takes fp16 when there is nothing else', async () => {
    await rename(unetWeights(), unetWeights().replace('.safetensors', '.fp16.safetensors'));
    expect((await openWeightFiles(join(folder, 'unet'))).tensors.size).toBe(304);
    expect((await openWeightFiles(join(folder, 'unet'), { variant: 'fp16' })).tensors.size).toBe(304);
    await expect(openWeightFiles(join(folder, 'unet'), { variant: 'ema' })).rejects.toThrow(
      /ema.safetensors/,
    );
  });
});

describe('weights', () => {
  it('may be halves: the same result as with the rounded floats', async () => {
    const { tensors } = await readSafetensors(join(fixtureFolder('clip-text'), 'model.safetensors'));
    const golden = await goldenValues('clip-text');
    await mkdir(join(folder, 'halves'));
    await mkdir(join(folder, 'rounded'));
    const halves = [...tensors].map(([name, { shape, data }]) => {
      const bits = Uint16Array.from(data as Float32Array, toHalfBits);
      return { name, shape, bits, floats: Float32Array.from(bits, fromHalfBits) };
    });
    await writeSafetensors(join(folder, 'halves', 'model.fp16.safetensors'), {
      tensors: halves.map(({ name, shape, bits }) => [name, { dtype: 'F16', shape, data: bits }]),
    });
    await writeSafetensors(join(folder, 'rounded', 'model.safetensors'), {
      tensors: halves.map(({ name, shape, floats }) => [name, { dtype: 'F32', shape, data: floats }]),
    });
    await using runtime = await GraphRuntime.start({ threads: 1 });
    const run = async (part: string): Promise<Float32Array | undefined> => {
      const config = parseClipTextConfig(await fixtureConfig('clip-text'));
      const { lastHidden, parameters } = clipTextModel(config, input('ids', [2, 20], 'int32'));
      const files = await openWeightFiles(join(folder, part));
      const weights = bindWeights(parameters, files, part, clipAliases);
      const session = await runtime.load(exportOnnx({ lastHidden }, { external: weights }), {
        weightsFolder: files.folder,
      });
      return (await session.run({ ids: Int32Array.from(golden.input_ids ?? []) })).lastHidden;
    };
    const result = await run('halves');
    expect(relativeError(result, await run('rounded'))).toBeLessThan(1e-6);
    expect(relativeError(result, golden.last_hidden_state)).toBeLessThan(1e-2);
  });

  it('of old autoencoders are found under their old names', () => {
    expect(vaeAliases('decoder.mid_block.attentions.0.to_out.0.bias')).toEqual([
      'decoder.mid_block.attentions.0.proj_attn.bias',
    ]);
    expect(vaeAliases('encoder.mid_block.attentions.0.to_q.weight')).toEqual([
      'encoder.mid_block.attentions.0.query.weight',
    ]);
    expect(vaeAliases('encoder.conv_in.weight')).toEqual([]);
  });

  it('of whole numbers are refused', async () => {
    const path = join(folder, 'whole.safetensors');
    await writeSafetensors(path, {
      tensors: [
        ['text_model.final_layer_norm.bias', { dtype: 'I32', shape: [32], data: new Int32Array(32) }],
      ],
    });
    const config = parseClipTextConfig(await fixtureConfig('clip-text'));
    const { parameters } = clipTextModel(config, input('ids', [1, 1], 'int32'));
    const files = await openWeightFiles(path);
    expect(() => bindWeights(parameters, files, 'text')).toThrow(/"text_model.final_layer_norm.bias" is I32/);
  });
});
