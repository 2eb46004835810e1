/**
 * The tensor element types of ggml with their block layout, so that any file's sizes can be checked and an
 * unsupported type can be named. Source: `enum ggml_type` and the `block_*` structs of ggml (ggml.h, ggml-common.h),
 * as of llama.cpp v0.5.0. Ids that ggml has retired are left out: such files need converting again.
 *
 * @module
 */

interface TypeRow {
  readonly id: number;
  /** Elements in one block (1 for plain numbers). */
  readonly blockSize: number;
  readonly blockBytes: number;
}

const row = (id: number, blockSize: number, blockBytes: number): TypeRow => ({ id, blockSize, blockBytes });

const rows = {
  F32: row(0, 1, 4),
  F16: row(1, 1, 2),
  Q4_0: row(2, 32, 18),
  Q4_1: row(3, 32, 20),
  Q5_0: row(6, 32, 22),
  Q5_1: row(7, 32, 24),
  Q8_0: row(8, 32, 34),
  Q8_1: row(9, 32, 36),
  Q2_K: row(10, 256, 84),
  Q3_K: row(11, 256, 110),
  Q4_K: row(12, 256, 144),
  Q5_K: row(13, 256, 176),
  Q6_K: row(14, 256, 210),
  Q8_K: row(15, 256, 292),
  IQ2_XXS: row(16, 256, 66),
  IQ2_XS: row(17, 256, 74),
  IQ3_XXS: row(18, 256, 98),
  IQ1_S: row(19, 256, 50),
  IQ4_NL: row(20, 32, 18),
  IQ3_S: row(21, 256, 110),
  IQ2_S: row(22, 256, 82),
  IQ4_XS: row(23, 256, 136),
  I8: row(24, 1, 1),
  I16: row(25, 1, 2),
  I32: row(26, 1, 4),
  I64: row(27, 1, 8),
  F64: row(28, 1, 8),
  IQ1_M: row(29, 256, 56),
  BF16: row(30, 1, 2),
  TQ1_0: row(34, 256, 54),
  TQ2_0: row(35, 256, 66),
  MXFP4: row(39, 32, 17),
  NVFP4: row(40, 64, 36),
  Q1_0: row(41, 128, 18),
  Q2_0: row(42, 64, 18),
} satisfies Record<string, TypeRow>;

/** Name of a ggml element type, as ggml spells it. */
export type GgmlType = keyof typeof rows;

/** Layout of one ggml type. */
export interface GgmlTypeInfo {
  readonly name: GgmlType;
  /** Number in the file. */
  readonly id: number;
  /** Elements that share one block; a row's length must be a multiple. */
  readonly blockSize: number;
  /** Bytes of one block. */
  readonly blockBytes: number;
}

const byName = new Map<string, GgmlTypeInfo>();
const byId = new Map<number, GgmlTypeInfo>();
for (const [name, info] of Object.entries(rows)) {
  const entry: GgmlTypeInfo = { name: name as GgmlType, ...info };
  byName.set(name, entry);
  byId.set(entry.id, entry);
}

/** Layout of a type by its name. */
export function ggmlType(name: GgmlType): GgmlTypeInfo {
  return byName.get(name)!;
}

/** Layout of a type by the number in the file, or undefined for one that ggml does not (or no longer) define. */
export function ggmlTypeById(id: number): GgmlTypeInfo | undefined {
  return byId.get(id);
}

/** Bytes of `elementCount` elements (a multiple of the block size). */
export function ggmlSizeBytes(type: GgmlType, elementCount: number): number {
  const { blockSize, blockBytes } = ggmlType(type);
  return (elementCount / blockSize) * blockBytes;
}
