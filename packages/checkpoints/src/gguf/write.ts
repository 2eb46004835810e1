/**
 * Writes GGUF version 3 files for our own exports: header first, then the tensors one after another, so that memory
 * holds one tensor (or one chunk of it) at a time.
 *
 * @module
 */
import { type FileSink, writeAtomically } from '../atomic-file.js';
import { CheckpointError, quoted } from '../errors.js';
import { ByteWriter, writeMetadata } from './encode.js';
import { type GgmlType, ggmlSizeBytes, ggmlType } from './ggml-types.js';
import { type GgufInputMetadata, metadataValue } from './values.js';

/** Bytes of a tensor as they go into the file: in memory, or in chunks of any size, drawn when it is its turn. */
export type GgufTensorData = ArrayBufferView | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface GgufTensorInput {
  /** At most 63 bytes: llama.cpp refuses longer ones. */
  readonly name: string;
  /** ggml's `ne` order: dims[0] = columns (contiguous). */
  readonly dims: readonly number[];
  readonly type: GgmlType;
  /** Encoded as `type` (see `quantize`), exactly as many bytes as dims and type say. */
  readonly data: GgufTensorData;
}

export interface WriteGgufOptions {
  readonly metadata: GgufInputMetadata;
  readonly tensors: readonly GgufTensorInput[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly writtenBytes: number; readonly totalBytes: number }) => void;
}

interface PlannedTensor {
  readonly input: GgufTensorInput;
  readonly sizeBytes: number;
  readonly relativeOffset: number;
}

interface Plan {
  readonly tensors: readonly PlannedTensor[];
  readonly alignment: number;
  readonly dataBytes: number;
}

const defaultAlignment = 32;

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

function tensorSizeBytes({ name, dims, type }: GgufTensorInput): number {
  const what = `tensor ${quoted(name)}`;
  if (name.length === 0 || Buffer.byteLength(name) > 63) {
    throw new CheckpointError('GGUF_TENSOR', `${what}: the name must have 1 to 63 bytes`);
  }
  const count = dims.reduce((product, dim) => product * dim, 1);
  const isValid =
    dims.length >= 1 && dims.length <= 4 && dims.every((dim) => Number.isSafeInteger(dim) && dim > 0);
  if (!isValid || !Number.isSafeInteger(count)) {
    throw new CheckpointError(
      'GGUF_TENSOR',
      `${what}: dimensions [${dims.join(', ')}] must be 1 to 4 positive integers`,
    );
  }
  const { blockSize } = ggmlType(type);
  if (dims[0]! % blockSize !== 0) {
    throw new CheckpointError(
      'GGUF_TENSOR',
      `${what}: rows of ${dims[0]} do not divide into ${type} blocks of ${blockSize}`,
    );
  }
  return ggmlSizeBytes(type, count);
}

function plan({ metadata, tensors }: WriteGgufOptions): Plan {
  const alignment = metadataValue(metadata, 'general.alignment') ?? defaultAlignment;
  if (
    typeof alignment !== 'number' ||
    alignment < 8 ||
    alignment > 1 << 20 ||
    (alignment & (alignment - 1)) !== 0
  ) {
    throw new CheckpointError(
      'GGUF_METADATA',
      'metadata "general.alignment" must be a power of two from 8 to 1048576',
    );
  }
  const names = new Set<string>();
  const planned: PlannedTensor[] = [];
  let dataBytes = 0;
  for (const input of tensors) {
    if (names.has(input.name))
      throw new CheckpointError('GGUF_DUPLICATE', `tensor ${quoted(input.name)} occurs twice`);
    names.add(input.name);
    const sizeBytes = tensorSizeBytes(input);
    planned.push({ input, sizeBytes, relativeOffset: dataBytes });
    dataBytes += alignUp(sizeBytes, alignment);
  }
  return { tensors: planned, alignment, dataBytes };
}

function encodeHeader({ metadata }: WriteGgufOptions, { tensors, alignment }: Plan): Uint8Array {
  const writer = new ByteWriter();
  writer.raw(Buffer.from('GGUF'));
  writer.uint32(3);
  writer.uint64(tensors.length);
  writer.uint64(metadata.size);
  writeMetadata(writer, metadata);
  for (const { input, relativeOffset } of tensors) {
    writer.string(input.name);
    writer.uint32(input.dims.length);
    for (const dim of input.dims) writer.uint64(dim);
    writer.uint32(ggmlType(input.type).id);
    writer.uint64(relativeOffset);
  }
  const length = writer.bytes.byteLength;
  writer.zeros(alignUp(length, alignment) - length);
  return writer.bytes;
}

async function* chunksOf(data: GgufTensorData): AsyncIterable<Uint8Array> {
  if (ArrayBuffer.isView(data)) yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  else yield* data;
}

async function writeTensor(
  sink: FileSink,
  { input, sizeBytes }: PlannedTensor,
  alignment: number,
): Promise<void> {
  const wrongSize = (bytes: number | string) =>
    new CheckpointError(
      'GGUF_TENSOR',
      `tensor ${quoted(input.name)} gave ${bytes} bytes of data, its dims and type need ${sizeBytes}`,
    );
  if (ArrayBuffer.isView(input.data) && input.data.byteLength !== sizeBytes)
    throw wrongSize(input.data.byteLength);
  let written = 0;
  for await (const chunk of chunksOf(input.data)) {
    written += chunk.byteLength;
    if (written > sizeBytes) throw wrongSize(`at least ${written}`);
    await sink.write(chunk);
  }
  if (written !== sizeBytes) throw wrongSize(written);
  await sink.write(new Uint8Array(alignUp(sizeBytes, alignment) - sizeBytes));
}

/**
 * Writes a GGUF file: temporary file, sync, rename, so the final name never holds a partial file.
 *
 * @throws CheckpointError `GGUF_*` for metadata or tensors that make no valid file, `IO`; the signal's reason when
 *   aborted
 */
export async function writeGguf(path: string, options: WriteGgufOptions): Promise<void> {
  const planned = plan(options);
  const header = encodeHeader(options, planned);
  const totalBytes = header.byteLength + planned.dataBytes;
  const fill = async (sink: FileSink): Promise<void> => {
    await sink.write(header);
    for (const tensor of planned.tensors) {
      await writeTensor(sink, tensor, planned.alignment);
      options.onProgress?.({ writtenBytes: sink.sizeBytes, totalBytes });
    }
  };
  await writeAtomically(path, fill, options.signal);
}
