/**
 * @module
 * What one can see of KV memory from outside. All sizes in bytes.
 */
import type { ArenaHandle, Backing } from '@triptych/native';
import type { KvGeometry } from './geometry.js';
import type { Mapper } from './mapper.js';
import type { SlotTable } from './slots.js';

/** `active`: given out by `acquire`. `cached`: idle, but holding memory for the next sequence. `free`: neither. */
export type SlotState = 'active' | 'cached' | 'free';

export interface KvSlotSnapshot {
  readonly slot: number;
  readonly state: SlotState;
  /** Tokens whose keys and values must be kept now. */
  readonly tokens: number;
  /** `tokens` times the bytes of a token. */
  readonly neededBytes: number;
  /** Held or about to be held (look-ahead under way): what counts against the budget. */
  readonly committedBytes: number;
}

/** One moment of the KV memory. */
export interface KvSnapshot {
  readonly backing: Backing;
  readonly reservedBytes: number;
  readonly slotBytes: number;
  readonly budgetBytes: number;
  readonly pageGroupBytes: number;
  readonly neededBytes: number;
  /** All slots' plus what is being given back but is not back yet; never above the budget. */
  readonly committedBytes: number;
  /** What the operating system says is held; at most `committedBytes`, and equal when no background work is left. */
  readonly residentBytes: number;
  readonly maxTokens: number;
  readonly bytesPerToken: number;
  readonly slots: readonly KvSlotSnapshot[];
}

/** What has happened since the memory was opened. */
export interface KvCounters {
  /** Steps that had to commit memory themselves, on the critical path. */
  readonly commitsNow: number;
  /** Jobs given to the background: look-ahead commits, and releases. */
  readonly commitsAhead: number;
  readonly releases: number;
  /** Times a call waited for background work. */
  readonly waits: number;
  /** Steps that returned a deficit. */
  readonly deficits: number;
  /** Commits that the operating system refused. */
  readonly refusals: number;
}

interface Memory {
  readonly geometry: KvGeometry;
  readonly backing: Backing;
  readonly budgetBytes: number;
  readonly arena: ArenaHandle;
}

/** Reads all of it off. */
export function takeSnapshot(memory: Memory, slots: SlotTable, mapper: Mapper): KvSnapshot {
  const { geometry } = memory;
  const list = Array.from(slots.tokens, (tokens, slot): KvSlotSnapshot => {
    const held = mapper.held[slot]!;
    return {
      slot,
      state: slots.active[slot] === 1 ? 'active' : held > 0 ? 'cached' : 'free',
      tokens,
      neededBytes: tokens * geometry.bytesPerToken,
      committedBytes: held * geometry.groupRowBytes,
    };
  });
  return {
    backing: memory.backing,
    reservedBytes: geometry.reservedBytes,
    slotBytes: geometry.slotBytes,
    budgetBytes: memory.budgetBytes,
    pageGroupBytes: geometry.pageGroupBytes,
    neededBytes: list.reduce((sum, slot) => sum + slot.neededBytes, 0),
    committedBytes: mapper.countedGroups * geometry.groupRowBytes,
    residentBytes: memory.arena.resident(),
    maxTokens: geometry.maxTokens,
    bytesPerToken: geometry.bytesPerToken,
    slots: list,
  };
}
