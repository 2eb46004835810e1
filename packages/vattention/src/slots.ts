/**
 * @module
 * Who uses which slot, and how much of it must be kept.
 */
import { KvError } from './errors.js';
import { groupsFor, type KvGeometry } from './geometry.js';
import type { Mapper } from './mapper.js';
import type { IdleSlot } from './policy/best-fit.js';
import type { Reclaimable } from './policy/reclaim.js';

export class SlotTable {
  /** By slot: 1 between `acquire` and `release`. */
  readonly active: Uint8Array;
  /** By slot: tokens that must be kept. */
  readonly tokens: Int32Array;
  /** By slot: when it was last acquired or released, on a clock that counts such calls. */
  readonly #usedAt: Float64Array;
  #clock = 0;
  readonly #geometry: KvGeometry;

  constructor(geometry: KvGeometry) {
    this.#geometry = geometry;
    this.active = new Uint8Array(geometry.slots);
    this.tokens = new Int32Array(geometry.slots);
    this.#usedAt = new Float64Array(geometry.slots);
  }

  take(slot: number): void {
    this.active[slot] = 1;
    this.#usedAt[slot] = ++this.#clock;
  }

  giveBack(slot: number): void {
    this.active[slot] = 0;
    this.tokens[slot] = 0;
    this.#usedAt[slot] = ++this.#clock;
  }

  /** After a step: sequences only grow. */
  grow(lengths: Int32Array): void {
    for (let slot = 0; slot < lengths.length; slot++) {
      if (lengths[slot]! > this.tokens[slot]!) this.tokens[slot] = lengths[slot]!;
    }
  }

  idle({ held, releasing }: Mapper): IdleSlot[] {
    const idle: IdleSlot[] = [];
    for (let slot = 0; slot < this.active.length; slot++) {
      if (this.active[slot] === 0) idle.push({ slot, groups: held[slot]!, releasing: releasing[slot]! > 0 });
    }
    return idle;
  }

  /** All slots, with what each must keep if these lengths were to run. */
  reclaimable({ held }: Mapper, lengths: Int32Array): Reclaimable[] {
    return Array.from(lengths, (length, slot) => ({
      slot,
      groups: held[slot]!,
      keep: groupsFor(this.#geometry, Math.max(length, this.tokens[slot]!)),
      active: this.active[slot] === 1,
      usedAt: this.#usedAt[slot]!,
    }));
  }

  /** Page groups that cannot be done without if these lengths were to run. */
  neededGroups(lengths: Int32Array): number {
    let groups = 0;
    for (const [slot, length] of lengths.entries()) {
      groups += groupsFor(this.#geometry, Math.max(length, this.tokens[slot]!));
    }
    return groups;
  }

  /** Throws `KvError` `slot_not_active`. */
  checkActive(slot: number): void {
    if (this.active[slot] === 1) return;
    throw new KvError('slot_not_active', `slot ${slot} is not in use: pass one that acquire() returned`);
  }

  /** Throws `KvError` `invalid_argument`. */
  checkTokens(field: string, tokens: number): number {
    const { maxTokens } = this.#geometry;
    if (Number.isInteger(tokens) && tokens >= 0 && tokens <= maxTokens) return tokens;
    throw new KvError(
      'invalid_argument',
      `${field} must be a whole number from 0 to maxTokens (${maxTokens}), not ${String(tokens)}`,
    );
  }

  /** One length per slot, 0 for idle ones. Throws `KvError` `invalid_argument` or `slot_not_active`. */
  checkLengths(field: string, lengths: Int32Array): void {
    const { slots, maxTokens } = this.#geometry;
    if (!(lengths instanceof Int32Array) || lengths.length !== slots) {
      throw new KvError(
        'invalid_argument',
        `${field} must be an Int32Array of ${slots} numbers, one per slot`,
      );
    }
    for (let slot = 0; slot < slots; slot++) {
      const length = lengths[slot]!;
      if (length === 0) continue;
      if (length < 0 || length > maxTokens) this.checkTokens(`${field}[${slot}]`, length);
      if (this.active[slot] !== 1) this.checkActive(slot);
    }
  }
}
