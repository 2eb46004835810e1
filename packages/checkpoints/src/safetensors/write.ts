import { writeAtomically } from '../atomic-file.js';
import { CheckpointError, quoted } from '../errors.js';
import { carriesDtype, dtypeBytes, isDtype } from './dtypes.js';
import type { SafetensorsTensor } from './read.js';

export interface WriteSafetensorsOptions {
  readonly tensors: Iterable<readonly [name: string, tensor: SafetensorsTensor]>;
  readonly metadata?: Iterable<readonly [key: string, value: string]>;
  readonly signal?: AbortSignal;
}

function checkTensor(name: string, { dtype, shape, data }: SafetensorsTensor): void {
  const what = `tensor ${quoted(name)}`;
  if (name === '__metadata__')
    throw new CheckpointError('SAFETENSORS', 'a tensor cannot be called "__metadata__"');
  if (!isDtype(dtype) || !carriesDtype(dtype, data)) {
    throw new CheckpointError(
      'SAFETENSORS',
      `${what}: ${data.constructor.name} does not carry the dtype ${String(dtype)}`,
    );
  }
  const count = shape.reduce((product, size) => product * size, 1);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || count !== data.length) {
    throw new CheckpointError(
      'SAFETENSORS',
      `${what}: shape [${shape.join(', ')}] does not hold ${data.length} elements`,
    );
  }
}

/** Large elements first, so that every tensor is aligned to its element size; else in the given order. */
function inFileOrder(tensors: readonly (readonly [string, SafetensorsTensor])[]) {
  return [...tensors].sort(([, a], [, b]) => dtypeBytes(b.dtype) - dtypeBytes(a.dtype));
}

function encodeHeader(
  tensors: readonly (readonly [string, SafetensorsTensor])[],
  metadata: Iterable<readonly [string, string]> | undefined,
): Uint8Array {
  const entries: [string, unknown][] = [];
  if (metadata !== undefined) entries.push(['__metadata__', Object.fromEntries(metadata)]);
  let offset = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    entries.push([name, { dtype, shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  const json = JSON.stringify(Object.fromEntries(entries));
  const padded = json + ' '.repeat((8 - (Buffer.byteLength(json) % 8)) % 8); // keeps the data aligned to 8 bytes
  const bytes = Buffer.alloc(8 + Buffer.byteLength(padded));
  bytes.writeBigUInt64LE(BigInt(bytes.byteLength - 8), 0);
  bytes.write(padded, 8);
  return bytes;
}

/**
 * Writes a safetensors file: temporary file, sync, rename.
 *
 * @throws CheckpointError `SAFETENSORS` for tensors that contradict themselves, `IO`; the signal's reason when aborted
 */
export async function writeSafetensors(path: string, options: WriteSafetensorsOptions): Promise<void> {
  const tensors = inFileOrder([...options.tensors]);
  const names = new Set<string>();
  for (const [name, tensor] of tensors) {
    checkTensor(name, tensor);
    if (names.has(name)) throw new CheckpointError('SAFETENSORS', `tensor ${quoted(name)} occurs twice`);
    names.add(name);
  }
  const header = encodeHeader(tensors, options.metadata);
  const fill = async (sink: { write(bytes: Uint8Array): Promise<void> }): Promise<void> => {
    await sink.write(header);
    for (const [, { data }] of tensors) {
      await sink.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  };
  await writeAtomically(path, fill, options.signal);
}
