/**
 * A U-Net of Stable Diffusion 1.5's size with random weights, as an InstructPix2Pix has it (8 input channels): 3.4 GB of
 * F32 in diffusers' layout. Speed and memory do not depend on the values.
 */
import fs from 'node:fs';
import path from 'node:path';
import { input } from '@triptych/graph';
import { parseUnetConfig, unet } from '@triptych/nets';

/** unet/config.json of Stable Diffusion 1.5, with the input channels of InstructPix2Pix. */
export const sd15 = {
  _class_name: 'UNet2DConditionModel',
  in_channels: 8,
  out_channels: 4,
  block_out_channels: [320, 640, 1280, 1280],
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
  layers_per_block: 2,
  attention_head_dim: 8,
  cross_attention_dim: 768,
  norm_num_groups: 32,
};

/** What one evaluation of an edit at 256 x 256 pixels is given: one image, 77 tokens. */
export const sd15Inputs = { batch: 1, side: 32, tokens: 77 };

/** The network as a graph, for a batch at 256 x 256 pixels. */
export function sd15Graph({ batch = sd15Inputs.batch } = {}) {
  const { side, tokens } = sd15Inputs;
  return unet(parseUnetConfig(sd15), {
    sample: input('sample', [batch, sd15.in_channels, side, side]),
    timestep: input('timestep', [batch]),
    encoderHiddenStates: input('text', [batch, tokens, sd15.cross_attention_dim]),
  });
}

const fileName = 'diffusion_pytorch_model.safetensors';

/** Where the weights lie after `npm run bench:setup`. */
export const sd15Folder = path.join(import.meta.dirname, 'models', 'random-sd15-unet');

/** Uniform numbers whose products with a layer's inputs keep their size; 1 and 0 for norms. */
function values(name, shape, random) {
  const count = shape.reduce((a, b) => a * b, 1);
  if (shape.length === 1) return new Float32Array(count).fill(/norm.*weight$/.test(name) ? 1 : 0);
  const bound = Math.sqrt(3 / (count / shape[0]));
  const data = new Float32Array(count);
  for (let k = 0; k < count; k++) data[k] = (random() / 2 ** 31 - 1) * bound;
  return data;
}

/** xorshift32: 0..2^32 - 1. */
function generator(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Writes the folder; it appears only when complete. The same bytes every time. */
export function writeRandomUnet(folder, { onProgress } = {}) {
  const partial = `${folder}.partial`;
  fs.rmSync(partial, { recursive: true, force: true });
  fs.mkdirSync(partial, { recursive: true });
  fs.writeFileSync(path.join(partial, 'config.json'), `${JSON.stringify(sd15, undefined, 2)}\n`);
  const { parameters } = sd15Graph();
  let end = 0;
  const header = {};
  for (const [name, { shape }] of parameters) {
    const start = end;
    end += 4 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [start, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8, ' ');
  text.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const fd = fs.openSync(path.join(partial, fileName), 'w');
  const writeAll = (bytes) => {
    for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at);
  };
  writeAll(length);
  writeAll(padded);
  const random = generator(20261126);
  for (const [name, { shape }] of parameters) {
    const data = values(name, shape, random);
    writeAll(new Uint8Array(data.buffer));
    onProgress?.({ writtenBytes: header[name].data_offsets[1], totalBytes: end });
  }
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.renameSync(partial, folder);
}
