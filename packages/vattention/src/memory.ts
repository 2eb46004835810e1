/**
 * @module
 * KV memory that is contiguous for every sequence and held only where it is needed: vAttention (arXiv 2405.04437)
 * on host memory. Address space for every slot is reserved once; `step` gives memory to what runs now and, in the
 * background, to what will run next; a budget in bytes bounds it all.
 */
import type { ArenaHandle, Backing } from '@triptych/native';
import { Allocator } from './allocator.js';
import { KvError } from './errors.js';
import { bytesFor, groupsFor, type KvGeometry } from './geometry.js';
import { Guard } from './guard.js';
import { Mapper } from './mapper.js';
import { type KvMemoryOptions, type KvSettings, kvSettings, openBacking } from './options.js';
import { bestFit } from './policy/best-fit.js';
import { SlotTable } from './slots.js';
import type { KvCounters, KvSnapshot } from './snapshot.js';
import { takeSnapshot } from './snapshot.js';

/** A slot's number, 0 to B - 1. */
export type SlotId = number;

/** What a step lacks. */
export interface StepResult {
  /** 0: everything is backed. Else how many bytes are missing for this step to run. */
  readonly deficitBytes: number;
  /** Why: the budget is used up, or the operating system refused memory that the budget allows. */
  readonly reason?: 'budget' | 'system';
}

const ENOUGH: StepResult = Object.freeze({ deficitBytes: 0 });

/**
 * Slots of contiguous KV memory.
 *
 * Memory that a slot gets may still hold what an earlier sequence left there: a sequence writes each token's keys and
 * values before anything reads them, and nothing reads beyond its length, or of keys its last block (guard mode proves it).
 *
 * @example
 * const geometry = {
 *   layers: 22, maxTokens: 4096, kvHeads: 4, headDim: 64, elementBytes: 2, slots: 16, blockTokens: keyBlockTokens(),
 * };
 * const memory = KvMemory.open({ geometry, budgetBytes: parseByteSize('1GiB') });
 * const lengths = new Int32Array(geometry.slots);
 * const slot = memory.acquire(prompt.length);
 * lengths[slot] = prompt.length;
 * if (memory.step(lengths).deficitBytes > 0) preempt(); // else run the kernels, then lengths[slot]++, and so on
 */
export class KvMemory {
  readonly geometry: KvGeometry;
  readonly backing: Backing;
  readonly budgetBytes: number;
  /** The native handle: what a model's program takes as its KV memory. */
  readonly arena: ArenaHandle;

  readonly #deferredReclaim: boolean;
  readonly #slots: SlotTable;
  readonly #mapper: Mapper;
  readonly #allocator: Allocator;
  readonly #guard: Guard | undefined;
  #deficits = 0;
  #closed = false;

  /**
   * Reserves address space and returns at once, holding no memory. Throws `KvError`: `invalid_geometry`,
   * `invalid_argument`, `reservation_failed`.
   */
  static open(options: KvMemoryOptions): KvMemory {
    const settings = kvSettings(options);
    const { arena, backing } = openBacking(settings.geometry, settings.guard, options.backing);
    return new KvMemory({ ...settings, backing }, arena);
  }

  /** Over an arena of the caller's; `open` is the usual way. */
  constructor(settings: KvSettings, arena: ArenaHandle) {
    this.geometry = settings.geometry;
    this.backing = settings.backing;
    this.budgetBytes = settings.budgetBytes;
    this.arena = arena;
    this.#deferredReclaim = settings.deferredReclaim;
    this.#slots = new SlotTable(settings.geometry);
    this.#mapper = new Mapper(arena, settings.geometry, settings.guard);
    this.#allocator = new Allocator(settings, this.#slots, this.#mapper);
    this.#guard = settings.guard ? new Guard(arena, settings.geometry) : undefined;
  }

  /** S: bytes of one tensor of one slot. */
  get tensorBytes(): number {
    return this.geometry.tensorBytes;
  }

  get slotBytes(): number {
    return this.geometry.slotBytes;
  }

  /** Bytes that a sequence of this many tokens holds. */
  bytesFor(tokens: number): number {
    return bytesFor(this.geometry, tokens);
  }

  /**
   * A slot for a new sequence, or `undefined` when all are in use. Takes no memory yet: the idle slot is chosen whose
   * cached memory fits `expectedTokens` (default 1) best.
   */
  acquire(expectedTokens = 1): SlotId | undefined {
    this.#checkOpen();
    const required = groupsFor(this.geometry, this.#slots.checkTokens('expectedTokens', expectedTokens));
    this.#mapper.settle();
    const slot = bestFit(this.#slots.idle(this.#mapper), required)?.slot;
    if (slot !== undefined) this.#slots.take(slot);
    return slot;
  }

  /**
   * Ends a sequence. Its memory stays with the idle slot (`keep`, default the option `deferredReclaim`) until it is
   * wanted elsewhere, or goes back to the system in the background.
   */
  release(slot: SlotId, { keep = this.#deferredReclaim }: { readonly keep?: boolean } = {}): void {
    this.#checkOpen();
    this.#slots.checkActive(slot);
    this.#slots.giveBack(slot);
    this.#guard?.expose(this.#slots.tokens);
    if (keep) this.#allocator.keepShareFree();
    else this.#mapper.shrink(slot, 0);
  }

  /** Shortens a sequence to at most `length` tokens and gives back what lies beyond, look-ahead too. */
  truncate(slot: SlotId, length: number): void {
    this.#checkOpen();
    this.#slots.checkActive(slot);
    this.#slots.checkTokens('length', length);
    const tokens = Math.min(this.#slots.tokens[slot]!, length);
    this.#slots.tokens[slot] = tokens;
    this.#guard?.expose(this.#slots.tokens);
    this.#mapper.shrink(slot, groupsFor(this.geometry, tokens));
  }

  /**
   * To be called before every iteration, with the length in tokens that each slot will have after it; 0 for a slot
   * that does not run (what it holds is kept: only `truncate` and `release` shorten a sequence).
   *
   * When the deficit is 0, tokens [0, lengths[slot]) of every slot can be read and written. A positive deficit is
   * for the whole call: no slot has grown; release memory or leave sequences out, and call again. What is short, by the
   * budget or at the system, is taken in this order: look-ahead is given up, then idle slots are reclaimed, least
   * recently used first. So with the reason `system` nothing is left that could be given up here.
   *
   * @param lengths int32 [B]
   * @param next int32 [B], the lengths of the iteration after this one where the scheduler knows them (a prompt's
   *   next chunk), 0 where not; memory for them is prepared in the background
   * @throws KvError `invalid_argument`, `slot_not_active`
   */
  step(lengths: Int32Array, next?: Int32Array): StepResult {
    this.#checkOpen();
    this.#slots.checkLengths('lengths', lengths);
    if (next !== undefined) this.#slots.checkLengths('next', next);
    const shortage = this.#allocator.step(lengths, next);
    if (shortage === undefined) {
      this.#guard?.expose(this.#slots.tokens);
      return ENOUGH;
    }
    this.#deficits++;
    return shortage;
  }

  /**
   * Gives back at least `bytes`, as far as that much is not needed: look-ahead first, then idle slots. Returns the
   * bytes on their way back to the system.
   */
  reclaim(bytes: number): number {
    this.#checkOpen();
    if (!(bytes >= 0))
      throw new KvError('invalid_argument', `bytes must be at least 0, not ${String(bytes)}`);
    return (
      this.#allocator.reclaim(Math.ceil(bytes / this.geometry.groupRowBytes)) * this.geometry.groupRowBytes
    );
  }

  /** Gives back everything idle slots hold. Returns the bytes on their way back to the system. */
  trim(): number {
    this.#checkOpen();
    let groups = 0;
    for (const [slot, active] of this.#slots.active.entries()) {
      if (active === 0) groups += this.#mapper.shrink(slot, 0);
    }
    return groups * this.geometry.groupRowBytes;
  }

  /** Bytes that sequences could still get: the budget less what running ones need. */
  availableBytes(): number {
    this.#checkOpen();
    return this.#allocator.spareGroups(this.#slots.tokens) * this.geometry.groupRowBytes;
  }

  /** What is reserved, committed, needed and held by the system at this moment. */
  snapshot(): KvSnapshot {
    this.#checkOpen();
    this.#mapper.settle();
    return takeSnapshot(this, this.#slots, this.#mapper);
  }

  counters(): KvCounters {
    return { ...this.#mapper.counts, deficits: this.#deficits };
  }

  /** Waits until no background work is left, blocking the thread. */
  flush(): void {
    this.#checkOpen();
    this.#mapper.flush();
  }

  /** Resolves when no background work is left, or the memory has been disposed. */
  async flushAsync(): Promise<void> {
    this.#checkOpen();
    await this.#mapper.flushAsync();
  }

  /** Frees everything. A native program that was given the arena keeps it alive until it is freed itself. */
  dispose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.arena.close();
    this.#mapper.abandon();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkOpen(): void {
    if (this.#closed) throw new KvError('closed', 'This KV memory has been disposed: open another one');
  }
}
