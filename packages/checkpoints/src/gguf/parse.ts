/**
 * Parses the header of a GGUF file (versions 2 and 3, little endian) from bytes and checks everything in it: the
 * reader in `read.ts` decides how many bytes to fetch. Source: the GGUF specification in the ggml repository.
 *
 * @module
 */
import { CheckpointError, quoted } from '../errors.js';
import { Cursor, numberCodecs } from './cursor.js';
import { type GgufTensor, type RawTensor, resolveTensors } from './tensors.js';
import {
  type GgufMetadata,
  type GgufNumberArray,
  type GgufNumberType,
  type GgufValue,
  type GgufValueType,
  numberAt,
  valueTypeIds,
} from './values.js';

/** The value type of a metadata key, so that a file can be written again exactly. */
export interface GgufKeyType {
  readonly type: GgufValueType;
  /** Of arrays only. */
  readonly itemType?: GgufValueType;
}

/** Everything before the tensor data, validated. */
export interface GgufHeader {
  readonly version: 2 | 3;
  readonly metadata: GgufMetadata;
  readonly keyTypes: ReadonlyMap<string, GgufKeyType>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly alignment: number;
  /** Absolute file offset of the tensor data. */
  readonly dataOffset: number;
}

export interface GgufParseOptions {
  /** Largest header that is read into memory. Default 256 MiB (a 256k-token vocabulary needs about 16 MiB). */
  readonly maxHeaderBytes?: number;
}

const defaultMaxHeaderBytes = 256 * 1024 * 1024;
const maxKeyBytes = 65535; // GGUF specification
const maxTensorNameBytes = 64; // GGUF specification
const maxStringBytes = 16 * 1024 * 1024;
const maxArrayItems = 1 << 24; // of strings, booleans and arrays, which cost more memory than file
const maxArrayDepth = 4;
const magic = 0x46554747; // 'GGUF'

const valueTypeNames = new Map<number, GgufValueType>(
  Object.entries(valueTypeIds).map(([name, id]) => [id, name as GgufValueType]),
);

/** Fewest bytes one array item can take in the file. */
function minItemBytes(type: GgufValueType): number {
  if (type === 'string') return 8;
  if (type === 'array') return 12;
  if (type === 'bool') return 1;
  return numberCodecs[type].sizeBytes;
}

function readValueType(cursor: Cursor, what: string): GgufValueType {
  const id = cursor.uint32(what);
  const type = valueTypeNames.get(id);
  if (type === undefined)
    throw new CheckpointError('GGUF_METADATA', `${what} has the unknown value type ${id}`);
  return type;
}

interface ReadArray {
  readonly itemType: GgufValueType;
  readonly items: GgufNumberArray | string[] | boolean[] | GgufValue[];
}

function readArray(cursor: Cursor, what: string, depth: number): ReadArray {
  if (depth > maxArrayDepth)
    throw new CheckpointError('GGUF_LIMIT', `${what} nests arrays deeper than ${maxArrayDepth}`);
  const itemType = readValueType(cursor, what);
  const count = cursor.count(`item count of ${what}`);
  cursor.expect(count, minItemBytes(itemType), what);
  if (itemType !== 'string' && itemType !== 'bool' && itemType !== 'array') {
    return { itemType, items: cursor.numbers(itemType, count, what) };
  }
  if (count > maxArrayItems) {
    throw new CheckpointError(
      'GGUF_LIMIT',
      `${what} has ${count} items, at most ${maxArrayItems} are allowed`,
    );
  }
  if (itemType === 'string') {
    const items: string[] = [];
    for (let i = 0; i < count; i++) items.push(cursor.string(maxStringBytes, what));
    return { itemType, items };
  }
  if (itemType === 'bool') {
    const items: boolean[] = [];
    for (let i = 0; i < count; i++) items.push(cursor.bool(what));
    return { itemType, items };
  }
  const items: GgufValue[] = [];
  for (let i = 0; i < count; i++) items.push(readArray(cursor, what, depth + 1).items);
  return { itemType, items };
}

function readValue(cursor: Cursor, what: string): { value: GgufValue; keyType: GgufKeyType } {
  const type = readValueType(cursor, what);
  if (type === 'string') return { value: cursor.string(maxStringBytes, what), keyType: { type } };
  if (type === 'bool') return { value: cursor.bool(what), keyType: { type } };
  if (type === 'array') {
    const { itemType, items } = readArray(cursor, what, 1);
    return { value: items, keyType: { type, itemType } };
  }
  return { value: cursor.number(type satisfies GgufNumberType, what), keyType: { type } };
}

function readVersion(cursor: Cursor): 2 | 3 {
  if (cursor.uint32('the magic number') !== magic) {
    throw new CheckpointError('GGUF_MAGIC', 'not a GGUF file: it does not start with the letters GGUF');
  }
  const version = cursor.uint32('the version');
  if (version === 2 || version === 3) return version;
  if (version !== 0 && (version & 0xffff) === 0) {
    throw new CheckpointError('GGUF_BIG_ENDIAN', 'a big-endian GGUF file: convert it to little endian first');
  }
  throw new CheckpointError(
    'GGUF_VERSION',
    `GGUF version ${version} is not supported, only 2 and 3: convert the model again`,
  );
}

function readAlignment(metadata: GgufMetadata): number {
  const alignment = numberAt(metadata, 'general.alignment') ?? 32;
  if (
    !Number.isInteger(alignment) ||
    alignment < 1 ||
    alignment > 1 << 20 ||
    (alignment & (alignment - 1)) !== 0
  ) {
    throw new CheckpointError(
      'GGUF_METADATA',
      `metadata "general.alignment" is ${alignment}: it must be a power of two up to 1048576`,
    );
  }
  return alignment;
}

function readTensor(cursor: Cursor): RawTensor {
  const name = cursor.string(maxTensorNameBytes, 'a tensor name');
  const what = `tensor ${quoted(name)}`;
  const dimCount = cursor.uint32(`dimension count of ${what}`);
  if (dimCount < 1 || dimCount > 4) {
    throw new CheckpointError('GGUF_TENSOR', `${what} has ${dimCount} dimensions, 1 to 4 are allowed`);
  }
  const dims: number[] = [];
  for (let i = 0; i < dimCount; i++) dims.push(cursor.count(`dimension ${i} of ${what}`));
  const typeId = cursor.uint32(`type of ${what}`);
  return { name, dims, typeId, relativeOffset: cursor.count(`offset of ${what}`) };
}

/**
 * Parses a header from the first bytes of a file.
 *
 * @param window first bytes of the file
 * @param fileSizeBytes size of the whole file, against which counts, lengths and tensor ranges are checked; by default
 *   the window is the whole file
 * @throws CheckpointError naming the field for anything malformed
 * @throws NeedMoreBytes (internal) when the window ends inside the header although the file does not
 */
export function parseGguf(
  window: Uint8Array,
  fileSizeBytes: number = window.byteLength,
  options: GgufParseOptions = {},
): GgufHeader {
  const cursor = new Cursor(window, fileSizeBytes, options.maxHeaderBytes ?? defaultMaxHeaderBytes);
  const version = readVersion(cursor);
  const tensorCount = cursor.count('the tensor count');
  const keyCount = cursor.count('the metadata count');
  cursor.expect(keyCount, 8 + 4 + 1, 'the metadata');

  const metadata = new Map<string, GgufValue>();
  const keyTypes = new Map<string, GgufKeyType>();
  for (let i = 0; i < keyCount; i++) {
    const key = cursor.string(maxKeyBytes, 'a metadata key');
    if (metadata.has(key))
      throw new CheckpointError('GGUF_DUPLICATE', `metadata key ${quoted(key)} occurs twice`);
    const { value, keyType } = readValue(cursor, `metadata ${quoted(key)}`);
    metadata.set(key, value);
    keyTypes.set(key, keyType);
  }
  const alignment = readAlignment(metadata);

  cursor.expect(tensorCount, 8 + 4 + 8 + 4 + 8, 'the tensor table');
  const raw = new Map<string, RawTensor>();
  for (let i = 0; i < tensorCount; i++) {
    const tensor = readTensor(cursor);
    if (raw.has(tensor.name))
      throw new CheckpointError('GGUF_DUPLICATE', `tensor ${quoted(tensor.name)} occurs twice`);
    raw.set(tensor.name, tensor);
  }
  const dataOffset = Math.ceil(cursor.offset / alignment) * alignment;
  const tensors = resolveTensors(raw.values(), { alignment, dataOffset, fileSizeBytes });
  return { version, metadata, keyTypes, tensors, alignment, dataOffset };
}
