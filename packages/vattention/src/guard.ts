/**
 * @module
 * Debugging aid: only what a sequence has written, or writes in the coming step, is accessible.
 */
import { type ArenaHandle, NUMBERS_PER_RANGE, systemErrorName } from '@triptych/native';
import { KvError } from './errors.js';
import { blockBytesFor, type KvGeometry } from './geometry.js';

export class Guard {
  readonly #arena: ArenaHandle;
  readonly #geometry: KvGeometry;
  readonly #exposed: Int32Array;
  readonly #ranges: Float64Array;

  constructor(arena: ArenaHandle, geometry: KvGeometry) {
    this.#arena = arena;
    this.#geometry = geometry;
    this.#exposed = new Int32Array(geometry.slots);
    this.#ranges = new Float64Array(geometry.slots * geometry.tensors * NUMBERS_PER_RANGE);
  }

  /**
   * Makes exactly the values of `tokens[slot]` tokens of every slot accessible, and the blocks of their keys. Throws
   * `KvError` `guard_failed` when the process would need more mappings than it may have.
   */
  expose(tokens: Int32Array): void {
    const { slotBytes, tensorBytes, tensors, rowBytes } = this.#geometry;
    let count = 0;
    for (const [slot, length] of tokens.entries()) {
      if (length === this.#exposed[slot]) continue;
      this.#exposed[slot] = length;
      for (let tensor = 0; tensor < tensors; tensor++) {
        const isKeys = tensor % 2 === 0;
        const bytes = isKeys ? blockBytesFor(this.#geometry, length) : length * rowBytes;
        const start = slot * slotBytes + tensor * tensorBytes;
        this.#ranges.set([start, bytes, tensorBytes, 1], count++ * NUMBERS_PER_RANGE);
      }
    }
    const error = count === 0 ? 0 : this.#arena.expose(this.#ranges, count);
    if (error !== 0) {
      throw new KvError(
        'guard_failed',
        `Guard pages could not be set (${systemErrorName(error)}): use fewer slots or raise vm.max_map_count`,
      );
    }
  }
}
