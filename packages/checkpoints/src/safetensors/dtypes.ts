/** Element types of safetensors and the typed arrays that carry them. Halves travel as bits in Uint16Array. */
const rows = {
  F64: { bytes: 8, array: Float64Array },
  F32: { bytes: 4, array: Float32Array },
  F16: { bytes: 2, array: Uint16Array },
  BF16: { bytes: 2, array: Uint16Array },
  F8_E4M3: { bytes: 1, array: Uint8Array },
  F8_E5M2: { bytes: 1, array: Uint8Array },
  I64: { bytes: 8, array: BigInt64Array },
  I32: { bytes: 4, array: Int32Array },
  I16: { bytes: 2, array: Int16Array },
  I8: { bytes: 1, array: Int8Array },
  U64: { bytes: 8, array: BigUint64Array },
  U32: { bytes: 4, array: Uint32Array },
  U16: { bytes: 2, array: Uint16Array },
  U8: { bytes: 1, array: Uint8Array },
  BOOL: { bytes: 1, array: Uint8Array },
} as const;

export type SafetensorsDtype = keyof typeof rows;
export type SafetensorsArray = InstanceType<(typeof rows)[SafetensorsDtype]['array']>;

/** Type guard for names read from a file. */
export function isDtype(name: unknown): name is SafetensorsDtype {
  return typeof name === 'string' && Object.hasOwn(rows, name);
}

/** Bytes of one element. */
export function dtypeBytes(dtype: SafetensorsDtype): number {
  return rows[dtype].bytes;
}

/** Wraps bytes (of their own, aligned buffer) as the dtype's typed array. */
export function toTypedArray(dtype: SafetensorsDtype, bytes: ArrayBuffer): SafetensorsArray {
  return new rows[dtype].array(bytes);
}

/** True if `data` is the kind of array that carries `dtype`. */
export function carriesDtype(dtype: SafetensorsDtype, data: ArrayBufferView): boolean {
  return data instanceof rows[dtype].array;
}
