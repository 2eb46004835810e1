/**
 * @module
 * Debugging aid: only the blocks that a sequence has written, or writes in the coming step, are accessible.
 */
import { type ArenaHandle, NUMBERS_PER_RANGE, systemErrorName } from '@triptych/native';
import { KvError } from './errors.js';
import { type KvGeometry, tensorBytesFor } from './geometry.js';

export class Guard {
  readonly #arena: ArenaHandle;
  readonly #geometry: KvGeometry;
  readonly #exposed: Int32Array;
  readonly #ranges: Float64Array;

  constructor(arena: ArenaHandle, geometry: KvGeometry) {
    this.#arena = arena;
    this.#geometry = geometry;
    this.#exposed = new Int32Array(geometry.slots);
    this.#ranges = new Float64Array(geometry.slots * NUMBERS_PER_RANGE);
  }

  /**
   * Makes exactly the blocks of `tokens[slot]` tokens of every slot accessible. Throws `KvError` `guard_failed` when the process
   * would need more mappings than it may have.
   */
  expose(tokens: Int32Array): void {
    const { slotBytes, tensorBytes, tensors } = this.#geometry;
    let count = 0;
    for (const [slot, length] of tokens.entries()) {
      if (length === this.#exposed[slot]) continue;
      this.#exposed[slot] = length;
      this.#ranges.set(
        [slot * slotBytes, tensorBytesFor(this.#geometry, length), tensorBytes, tensors],
        count++ * NUMBERS_PER_RANGE,
      );
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
