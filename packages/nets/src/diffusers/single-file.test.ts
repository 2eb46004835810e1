import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors, type SafetensorsTensor, writeSafetensors } from '@triptych/checkpoints';
import { GraphRuntime } from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseClipTextConfig } from '../clip/config.js';
import { InstructPix2Pix } from '../diffusion/instruct-pix2pix.js';
import { fixtureConfig, fixtureFolder, goldenValues, relativeError } from '../testing/golden.js';
import { SCHEDULER_CONFIG } from '../testing/model-folder.js';
import { parseUnetConfig } from '../unet/config.js';
import { parseVaeConfig } from '../vae/config.js';
import { ldmTextName, ldmUnetName, ldmVaeName } from '../weights/ldm-names.js';
import { parameterNames } from './folder.js';
import { openSingleFile } from './single-file.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'single-'));
});
afterAll(() => rm(folder, { recursive: true }));

const unet = parseUnetConfig({ cross_attention_dim: 768, in_channels: 8 });
const vae = parseVaeConfig({
  block_out_channels: [128, 256, 512, 512],
  down_block_types: new Array(4).fill('DownEncoderBlock2D'),
  up_block_types: new Array(4).fill('UpDecoderBlock2D'),
  layers_per_block: 2,
});

describe('names of latent diffusion', () => {
  it.each([
    ['conv_in.weight', 'input_blocks.0.0.weight'],
    ['time_embedding.linear_2.bias', 'time_embed.2.bias'],
    ['down_blocks.0.resnets.1.conv1.weight', 'input_blocks.2.0.in_layers.2.weight'],
    ['down_blocks.1.attentions.0.norm.weight', 'input_blocks.4.1.norm.weight'],
    ['down_blocks.2.downsamplers.0.conv.bias', 'input_blocks.9.0.op.bias'],
    ['down_blocks.3.resnets.1.time_emb_proj.weight', 'input_blocks.11.0.emb_layers.1.weight'],
    ['mid_block.resnets.1.conv2.weight', 'middle_block.2.out_layers.3.weight'],
    ['mid_block.attentions.0.proj_in.weight', 'middle_block.1.proj_in.weight'],
    ['up_blocks.0.upsamplers.0.conv.weight', 'output_blocks.2.1.conv.weight'],
    ['up_blocks.2.upsamplers.0.conv.weight', 'output_blocks.8.2.conv.weight'],
    ['up_blocks.3.resnets.2.conv_shortcut.bias', 'output_blocks.11.0.skip_connection.bias'],
    [
      'up_blocks.1.attentions.2.transformer_blocks.0.norm1.bias',
      'output_blocks.5.1.transformer_blocks.0.norm1.bias',
    ],
    ['conv_norm_out.weight', 'out.0.weight'],
  ])('of the U-Net: %s', (ours, theirs) => {
    expect(ldmUnetName(ours, unet)).toBe(`model.diffusion_model.${theirs}`);
  });

  it.each([
    ['encoder.down_blocks.1.resnets.0.conv_shortcut.weight', 'encoder.down.1.block.0.nin_shortcut.weight'],
    ['encoder.down_blocks.2.downsamplers.0.conv.bias', 'encoder.down.2.downsample.conv.bias'],
    ['decoder.up_blocks.0.resnets.2.norm1.weight', 'decoder.up.3.block.2.norm1.weight'],
    ['decoder.up_blocks.2.upsamplers.0.conv.weight', 'decoder.up.1.upsample.conv.weight'],
    ['decoder.mid_block.attentions.0.to_out.0.bias', 'decoder.mid.attn_1.proj_out.bias'],
    ['encoder.mid_block.attentions.0.to_q.weight', 'encoder.mid.attn_1.q.weight'],
    ['encoder.mid_block.resnets.1.conv1.bias', 'encoder.mid.block_2.conv1.bias'],
    ['encoder.conv_norm_out.bias', 'encoder.norm_out.bias'],
    ['post_quant_conv.weight', 'post_quant_conv.weight'],
  ])('of the autoencoder: %s', (ours, theirs) => {
    expect(ldmVaeName(ours, vae)).toBe(`first_stage_model.${theirs}`);
  });

  it('are as many as the tensors of Stable Diffusion', () => {
    const names = parameterNames({
      unet,
      vae,
      textEncoder: parseClipTextConfig({ hidden_size: 768, num_attention_heads: 12 }),
    });
    const renamed = [
      ...names.unet.map((name) => ldmUnetName(name, unet)),
      ...names.vae.map((name) => ldmVaeName(name, vae)),
      ...names.textEncoder.map(ldmTextName),
    ];
    expect(new Set(renamed).size).toBe(686 + 248 + 196);
    expect(
      renamed.filter((name) => /resnets|_blocks\.\d+\.(attentions|resnets)|mid_block/.test(name)),
    ).toEqual([]);
  });
});

describe('openSingleFile', () => {
  it('edits like the folder it was made from', async () => {
    const json = {
      unet: await fixtureConfig('unet'),
      vae: await fixtureConfig('vae'),
      textEncoder: await fixtureConfig('clip-text'),
      scheduler: SCHEDULER_CONFIG,
    };
    const [tinyUnet, tinyVae] = [parseUnetConfig(json.unet), parseVaeConfig(json.vae)];
    const tensors: [string, SafetensorsTensor][] = [];
    const take = async (path: string, rename: (name: string) => string): Promise<void> => {
      const file = await readSafetensors(join(fixtureFolder(''), path));
      for (const [name, tensor] of file.tensors) tensors.push([rename(name), tensor]);
    };
    await take('unet/diffusion_pytorch_model.safetensors', (name) => ldmUnetName(name, tinyUnet));
    await take('vae/diffusion_pytorch_model.safetensors', (name) => ldmVaeName(name, tinyVae));
    await take('clip-text/model.safetensors', (name) => ldmTextName(`text_model.${name}`));
    const path = join(folder, 'edit.safetensors');
    await writeSafetensors(path, { tensors });

    const model = await openSingleFile(path, json);
    expect(model.unet.config.in_channels).toBe(8);
    const golden = await goldenValues('edit');
    await using runtime = await GraphRuntime.start({ threads: 1 });
    await using editor = new InstructPix2Pix(runtime, model);
    const { latent } = await editor.edit({
      image: golden.source ?? new Float32Array(),
      height: 64,
      width: 64,
      instruction: Int32Array.from(golden.instruction_ids ?? []),
      negative: Int32Array.from(golden.null_ids ?? []),
      steps: 6,
      guidance: { text: 3, image: 1.4 },
      noise: () => golden.noise ?? new Float32Array(),
    });
    expect(relativeError(latent, golden.latent)).toBeLessThan(1e-3);
  });

  it('expects Stable Diffusion, and names what is not there', async () => {
    await expect(openSingleFile(join(folder, 'edit.safetensors'))).rejects.toThrow(
      /unet: tensor "model.diffusion_model.time_embed.0.weight" should have .* found \[128,32\]/,
    );
    await writeFile(join(folder, 'old.ckpt'), 'PK');
    await expect(openSingleFile(join(folder, 'old.ckpt'))).rejects.toMatchObject({
      code: 'unsupported_file',
    });
  });
});
