/**
 * @module
 * Where every key and value lies: the reservation formula of vAttention (arXiv 2405.04437, section 5.1) laid out
 * slot by slot in one arena.
 *
 *     rowBytes    = H * D * P                    one token of one tensor
 *     S           = L * rowBytes, rounded up     one tensor (K or V of one layer) of one slot
 *     slotBytes   = 2 * N * S                    one slot
 *     reserved    = B * slotBytes
 *
 * The arena is `[B][2N][L, H, D]`: K of layer n of slot r begins at `r * slotBytes + 2n * S`, V one S later. The
 * paper has B inside each of 2N tensors; with a slot's tensors side by side, a finished slot is one range.
 * Rows of a layer are adjacent either way, which is what streaming attention wants.
 *
 * Where kernels keep the keys of some tokens side by side (`blockTokens`), each byte of such a block may belong to any of
 * its tokens, `[H, D, blockTokens]`: lengths then count up to whole blocks wherever memory is meant, for V as for K.
 */
import { pageBytes } from '@triptych/native';
import { KvError } from './errors.js';

/** The smallest and the largest page group, in bytes. */
export const MIN_PAGE_GROUP_BYTES = 4096;
export const MAX_PAGE_GROUP_BYTES = 2 * 1024 * 1024;
/** Measured: see the table in this package's README. */
export const DEFAULT_PAGE_GROUP_BYTES = 4096;

/** What a model and its server want, in the paper's letters. */
export interface KvGeometryOptions {
  /** N: layers with a KV cache. */
  readonly layers: number;
  /** L: most tokens of one sequence. */
  readonly maxTokens: number;
  /** H: key/value heads. */
  readonly kvHeads: number;
  /** D: elements of one head. */
  readonly headDim: number;
  /** P: bytes of one element; 2 for f16, 4 for f32. */
  readonly elementBytes: number;
  /** B: sequences that can hold memory at once. */
  readonly slots: number;
  /**
   * Tokens whose keys lie interleaved; memory is given for whole blocks of so many. Native kernels want
   * `keyBlockTokens()` of `@triptych/native`. Default 1: each token is a row.
   */
  readonly blockTokens?: number;
  /**
   * The unit in which memory is given to each tensor of a slot: a power of two from 4 KiB to 2 MiB and not smaller
   * than the system's page. Default {@link DEFAULT_PAGE_GROUP_BYTES}, or the page where that is larger.
   */
  readonly pageGroupBytes?: number;
}

/** A checked geometry with everything that follows from it. All sizes in bytes. */
export interface KvGeometry extends Required<KvGeometryOptions> {
  /** 2N: K and V of every layer. */
  readonly tensors: number;
  /** One token of one tensor: H * D * P. */
  readonly rowBytes: number;
  /** One token of all tensors. */
  readonly bytesPerToken: number;
  /** S: one tensor of one slot, a multiple of the page group. */
  readonly tensorBytes: number;
  readonly slotBytes: number;
  readonly reservedBytes: number;
  /** Page groups in one tensor of one slot. */
  readonly groupsPerTensor: number;
  /** One page group in each tensor of a slot: the step in which a slot's memory grows and shrinks. */
  readonly groupRowBytes: number;
}

/** Checks the options and computes the layout. Throws `KvError` `invalid_geometry` that names the field. */
export function kvGeometry(options: KvGeometryOptions): KvGeometry {
  const page = pageBytes();
  const pageGroupBytes = options.pageGroupBytes ?? Math.max(DEFAULT_PAGE_GROUP_BYTES, page);
  const { layers, maxTokens, kvHeads, headDim, elementBytes, slots, blockTokens = 1 } = options;
  whole('layers', layers, 10_000);
  whole('maxTokens', maxTokens, 2 ** 30);
  whole('kvHeads', kvHeads, 65_536);
  whole('headDim', headDim, 65_536);
  whole('elementBytes', elementBytes, 8);
  whole('slots', slots, 65_536);
  whole('blockTokens', blockTokens, 65_536);
  whole('pageGroupBytes', pageGroupBytes, MAX_PAGE_GROUP_BYTES);
  if (pageGroupBytes < MIN_PAGE_GROUP_BYTES || !Number.isInteger(Math.log2(pageGroupBytes))) {
    throw new KvError(
      'invalid_geometry',
      `pageGroupBytes must be a power of two from 4096 to 2097152, not ${pageGroupBytes}`,
    );
  }
  if (pageGroupBytes % page !== 0) {
    throw new KvError(
      'invalid_geometry',
      `pageGroupBytes must be at least this system's page of ${page} bytes`,
    );
  }

  const rowBytes = kvHeads * headDim * elementBytes;
  const groupsPerTensor = Math.ceil((wholeBlocks(maxTokens, blockTokens) * rowBytes) / pageGroupBytes);
  const tensorBytes = groupsPerTensor * pageGroupBytes;
  const tensors = 2 * layers;
  const slotBytes = tensors * tensorBytes;
  const reservedBytes = slots * slotBytes;
  // User address space is 128 TiB on common processors and the program needs a little of it too.
  if (reservedBytes > 120 * 2 ** 40) {
    throw new KvError(
      'invalid_geometry',
      `slots * maxTokens needs ${(reservedBytes / 2 ** 40).toFixed(0)} TiB of address space, more than 120: lower one of them`,
    );
  }
  return {
    layers,
    maxTokens,
    kvHeads,
    headDim,
    elementBytes,
    slots,
    blockTokens,
    pageGroupBytes,
    tensors,
    rowBytes,
    bytesPerToken: tensors * rowBytes,
    tensorBytes,
    slotBytes,
    reservedBytes,
    groupsPerTensor,
    groupRowBytes: tensors * pageGroupBytes,
  };
}

/** Bytes from the start of each tensor that the blocks of `tokens` tokens take. */
export function blockBytesFor({ blockTokens, rowBytes }: KvGeometry, tokens: number): number {
  return wholeBlocks(tokens, blockTokens) * rowBytes;
}

/** Page groups per tensor that hold `tokens` tokens. */
export function groupsFor(geometry: KvGeometry, tokens: number): number {
  return Math.ceil(blockBytesFor(geometry, tokens) / geometry.pageGroupBytes);
}

/** Tokens that lie wholly within `groups` page groups. A block may straddle two groups when it does not divide them. */
export function tokensIn(
  { maxTokens, blockTokens, rowBytes, pageGroupBytes }: KvGeometry,
  groups: number,
): number {
  const blocks = Math.floor((groups * pageGroupBytes) / (blockTokens * rowBytes));
  return Math.min(maxTokens, blocks * blockTokens);
}

/** Bytes that must be committed for a sequence of `tokens` tokens, all tensors. */
export function bytesFor(geometry: KvGeometry, tokens: number): number {
  return groupsFor(geometry, tokens) * geometry.groupRowBytes;
}

function wholeBlocks(tokens: number, blockTokens: number): number {
  return Math.ceil(tokens / blockTokens) * blockTokens;
}

function whole(field: string, value: unknown, most: number): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most) {
    throw new KvError(
      'invalid_geometry',
      `${field} must be a whole number from 1 to ${most}, not ${String(value)}`,
    );
  }
}
