import { CheckpointError, quoted } from '../errors.js';
import { type GgmlType, ggmlSizeBytes, ggmlTypeById } from './ggml-types.js';

/** One entry of the tensor table as it stands in the file. */
export interface RawTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly typeId: number;
  /** From the start of the tensor data. */
  readonly relativeOffset: number;
}

/** Where one tensor lies in the file, checked against the file's size and its neighbours. */
export interface GgufTensor {
  readonly name: string;
  /** ggml's `ne` order: dims[0] = columns (contiguous), dims[1] = rows, ... */
  readonly dims: readonly number[];
  readonly type: GgmlType;
  readonly typeId: number;
  /** Absolute file offset. */
  readonly offset: number;
  readonly sizeBytes: number;
}

interface DataRange {
  readonly alignment: number;
  readonly dataOffset: number;
  readonly fileSizeBytes: number;
}

/** Elements of a tensor, at most 2^53. */
function elementCount(what: string, dims: readonly number[]): number {
  let count = 1;
  for (const [i, dim] of dims.entries()) {
    if (dim < 1) throw new CheckpointError('GGUF_TENSOR', `${what}: dimension ${i} is ${dim}`);
    count *= dim;
    if (count > Number.MAX_SAFE_INTEGER) {
      throw new CheckpointError('GGUF_TENSOR', `${what}: dimensions [${dims.join(', ')}] overflow`);
    }
  }
  return count;
}

function resolveTensor(raw: RawTensor, range: DataRange): GgufTensor {
  const what = `tensor ${quoted(raw.name)}`;
  const { name, dims, typeId } = raw;
  const type = ggmlTypeById(typeId);
  if (type === undefined)
    throw new CheckpointError('GGUF_TENSOR', `${what} has the unknown ggml type ${typeId}`);
  const count = elementCount(what, dims);
  if (dims[0]! % type.blockSize !== 0) {
    throw new CheckpointError(
      'GGUF_TENSOR',
      `${what}: rows of ${dims[0]} elements do not divide into ${type.name} blocks of ${type.blockSize}`,
    );
  }
  if (raw.relativeOffset % range.alignment !== 0) {
    throw new CheckpointError(
      'GGUF_TENSOR',
      `${what}: offset ${raw.relativeOffset} is not a multiple of the alignment ${range.alignment}`,
    );
  }
  const sizeBytes = ggmlSizeBytes(type.name, count);
  const offset = range.dataOffset + raw.relativeOffset;
  if (offset + sizeBytes > range.fileSizeBytes) {
    throw new CheckpointError(
      'GGUF_TRUNCATED',
      `${what} ends at byte ${offset + sizeBytes} but the file has ${range.fileSizeBytes}: truncated or corrupt`,
    );
  }
  return { name, dims, type: type.name, typeId, offset, sizeBytes };
}

/** Checks the tensor table: types, block sizes, alignment, bounds, and that no two tensors share a byte. */
export function resolveTensors(raw: Iterable<RawTensor>, range: DataRange): ReadonlyMap<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  for (const entry of raw) tensors.set(entry.name, resolveTensor(entry, range));
  const inOrder = [...tensors.values()].sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < inOrder.length; i++) {
    const [before, after] = [inOrder[i - 1]!, inOrder[i]!];
    if (before.offset + before.sizeBytes > after.offset) {
      throw new CheckpointError(
        'GGUF_TENSOR',
        `tensors ${quoted(before.name)} and ${quoted(after.name)} overlap`,
      );
    }
  }
  return tensors;
}
