import { open, readFile, rename } from 'node:fs/promises';
import { GraphError } from '../errors.js';
import type { Moments } from '../runtime/protocol.js';
import type { Shape } from '../shape.js';

/** Everything a training needs to go on as if it had never stopped. Batches follow from the step number. */
export interface TrainingCheckpoint {
  readonly parameters: Readonly<Record<string, Float32Array>>;
  readonly moments: Moments;
  /** Facts of the run (configuration, seed, elapsed time) as text. */
  readonly metadata: Readonly<Record<string, string>>;
}

const FIRST = 'adamw.first.';
const SECOND = 'adamw.second.';

/** Writes one safetensors file: parameters under their own names, moments under a prefix, the step in the metadata. */
export async function saveCheckpoint(
  path: string,
  checkpoint: TrainingCheckpoint,
  shapes: ReadonlyMap<string, Shape>,
): Promise<void> {
  const { parameters, moments, metadata } = checkpoint;
  const header: Record<string, unknown> = { __metadata__: { ...metadata, step: String(moments.step) } };
  const chunks: Float32Array[] = [];
  let offset = 0;
  for (const [name, shape] of shapes) {
    const parts = [
      [name, parameters[name]],
      [FIRST + name, moments.first[name]],
      [SECOND + name, moments.second[name]],
    ] as const;
    for (const [key, data] of parts) {
      if (data === undefined && key.startsWith(SECOND)) continue;
      if (!(data instanceof Float32Array))
        throw new GraphError('checkpoint_mismatch', `there is no tensor "${key}"`);
      header[key] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
      offset += data.byteLength;
      chunks.push(data);
    }
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = await open(`${path}.part`, 'w');
  await file.write(length);
  await file.write(text);
  for (const chunk of chunks)
    await file.write(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  await file.close();
  await rename(`${path}.part`, path);
}

/** Reads what {@link saveCheckpoint} wrote. */
export async function loadCheckpoint(path: string): Promise<TrainingCheckpoint> {
  const bytes = await readFile(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const { __metadata__: metadata, ...tensors } = header as unknown as {
    __metadata__: Record<string, string>;
  } & typeof header;
  const parameters: Record<string, Float32Array> = {};
  const first: Record<string, Float32Array> = {};
  const second: Record<string, Float32Array> = {};
  for (const [key, { data_offsets }] of Object.entries(tensors)) {
    const slice = bytes.subarray(8 + length + data_offsets[0], 8 + length + data_offsets[1]);
    const data = new Float32Array(new Uint8Array(slice).buffer);
    if (key.startsWith(FIRST)) first[key.slice(FIRST.length)] = data;
    else if (key.startsWith(SECOND)) second[key.slice(SECOND.length)] = data;
    else parameters[key] = data;
  }
  return { parameters, moments: { step: Number(metadata.step), first, second }, metadata };
}
