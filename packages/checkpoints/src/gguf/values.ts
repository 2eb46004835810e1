/**
 * Metadata values: the plain form that readers see, the tagged form that writers need (a bare `10000` does not say
 * whether it is a uint32 or a float32, and llama.cpp refuses the wrong one), and typed access with good errors.
 *
 * @module
 */
import { CheckpointError, quoted } from '../errors.js';

/** Numbers of the value types in the file (GGUF specification, `gguf_metadata_value_type`). */
export const valueTypeIds = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

export type GgufValueType = keyof typeof valueTypeIds;
export type GgufNumberType = Exclude<GgufValueType, 'bool' | 'string' | 'array'>;

/** Numeric arrays keep their element type in the class of the typed array. */
export type GgufNumberArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | BigUint64Array
  | BigInt64Array
  | Float64Array;

/** A value as read. 64-bit integers are numbers where exact, else bigints. */
export type GgufValue =
  | number
  | bigint
  | boolean
  | string
  | GgufNumberArray
  | readonly string[]
  | readonly boolean[]
  | readonly GgufValue[];

/** A number with its type in the file. */
export interface GgufNumber {
  readonly type: GgufNumberType;
  readonly value: number | bigint;
}

/** A value as given to the writer: numbers are tagged (`u32(5)`, `f32(1e-5)`), all else is plain. */
export type GgufInputValue =
  | GgufNumber
  | boolean
  | string
  | GgufNumberArray
  | readonly string[]
  | readonly boolean[];

export type GgufMetadata = ReadonlyMap<string, GgufValue>;
export type GgufInputMetadata = ReadonlyMap<string, GgufInputValue>;
/** Metadata in either form; what tokenizers, templates and model configurations are made from. */
export type AnyMetadata = ReadonlyMap<string, GgufValue | GgufInputValue>;

export const u8 = (value: number): GgufNumber => ({ type: 'uint8', value });
export const u32 = (value: number): GgufNumber => ({ type: 'uint32', value });
export const i32 = (value: number): GgufNumber => ({ type: 'int32', value });
export const u64 = (value: number | bigint): GgufNumber => ({ type: 'uint64', value });
export const f32 = (value: number): GgufNumber => ({ type: 'float32', value });

/** The plain value under `key` in either form of metadata. */
export function metadataValue(metadata: AnyMetadata, key: string): GgufValue | undefined {
  const value = metadata.get(key);
  if (typeof value === 'object' && 'type' in value) return value.value;
  return value;
}

function wrongType(key: string, expected: string): CheckpointError {
  return new CheckpointError('GGUF_METADATA', `metadata ${quoted(key)} must be ${expected}`);
}

export function stringAt(metadata: AnyMetadata, key: string): string | undefined {
  const value = metadataValue(metadata, key);
  if (value === undefined || typeof value === 'string') return value;
  throw wrongType(key, 'a string');
}

export function booleanAt(metadata: AnyMetadata, key: string): boolean | undefined {
  const value = metadataValue(metadata, key);
  if (value === undefined || typeof value === 'boolean') return value;
  throw wrongType(key, 'a boolean');
}

export function numberAt(metadata: AnyMetadata, key: string): number | undefined {
  const value = metadataValue(metadata, key);
  if (value === undefined || typeof value === 'number') return value;
  throw wrongType(key, 'a number (of at most 53 bits)');
}

export function stringsAt(metadata: AnyMetadata, key: string): readonly string[] | undefined {
  const value = metadataValue(metadata, key);
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string'))
    return value as readonly string[];
  throw wrongType(key, 'an array of strings');
}

/** An array of numbers of at most 32 bits (or doubles). */
export function numbersAt(metadata: AnyMetadata, key: string): ArrayLike<number> | undefined {
  const value = metadataValue(metadata, key);
  if (value === undefined) return undefined;
  if (ArrayBuffer.isView(value) && !(value instanceof BigInt64Array) && !(value instanceof BigUint64Array)) {
    return value as Exclude<GgufNumberArray, BigInt64Array | BigUint64Array>;
  }
  throw wrongType(key, 'an array of numbers');
}
