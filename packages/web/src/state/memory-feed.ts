/**
 * @module
 * The KV memory over time: the newest snapshot, a bounded history for the chart, and the figures that the page
 * derives from a snapshot.
 */

import type { MemorySnapshot } from '@triptych/llm';
import type { RunError } from './run.js';

/** One point of the chart, bytes. */
export interface MemorySample {
  readonly atMs: number;
  readonly neededBytes: number;
  readonly committedBytes: number;
  readonly residentBytes: number;
}

export interface MemoryFeed {
  readonly state: 'connecting' | 'live' | 'lost';
  readonly snapshot: MemorySnapshot | undefined;
  readonly error: RunError | undefined;
  readonly history: readonly MemorySample[];
}

export type MemoryFeedAction =
  | { readonly type: 'snapshot'; readonly snapshot: MemorySnapshot; readonly nowMs: number }
  | { readonly type: 'connecting' }
  | { readonly type: 'lost'; readonly error: RunError };

export const EMPTY_FEED: MemoryFeed = {
  state: 'connecting',
  snapshot: undefined,
  error: undefined,
  history: [],
};

/** How far back the chart reaches. */
export const HISTORY_MS = 120_000;
/** Closer samples are merged into one, so that a fast stream does not make the chart slow. */
const SAMPLE_EVERY_MS = 200;

export function reduceMemoryFeed(feed: MemoryFeed, action: MemoryFeedAction): MemoryFeed {
  switch (action.type) {
    case 'connecting':
      return { ...feed, state: 'connecting' };
    case 'lost':
      return { ...feed, state: 'lost', error: action.error };
    case 'snapshot': {
      const { snapshot, nowMs } = action;
      const { neededBytes, committedBytes, residentBytes } = snapshot;
      const sample = { atMs: nowMs, neededBytes, committedBytes, residentBytes };
      return { state: 'live', snapshot, error: undefined, history: appendSample(feed.history, sample) };
    }
  }
}

function appendSample(history: readonly MemorySample[], sample: MemorySample): MemorySample[] {
  const recent = history.filter((old) => old.atMs > sample.atMs - HISTORY_MS);
  const previous = recent.at(-2);
  // The newest sample is always kept exact; it replaces its forerunner while both fall into one interval.
  if (previous !== undefined && sample.atMs - previous.atMs < SAMPLE_EVERY_MS) recent.pop();
  return [...recent, sample];
}

/** Sums over the slots of a snapshot. All in bytes. */
export interface MemoryFigures {
  readonly activeSlots: number;
  readonly cachedSlots: number;
  /** Held by active slots beyond what they need now: look-ahead, and what the slot's last conversation left. */
  readonly aheadBytes: number;
  /** Kept for idle slots in the hope of reuse; given back first. */
  readonly cachedBytes: number;
  /** What one contiguous buffer per active slot, allocated in full, would hold. */
  readonly staticBytes: number;
  /** Share of what active slots hold that they do not need now, 0..1. */
  readonly beyondNeed: number;
}

export function memoryFigures(snapshot: MemorySnapshot): MemoryFigures {
  let activeSlots = 0;
  let cachedSlots = 0;
  let aheadBytes = 0;
  let cachedBytes = 0;
  for (const slot of snapshot.slots) {
    if (slot.state === 'active') {
      activeSlots++;
      aheadBytes += Math.max(0, slot.committedBytes - slot.neededBytes);
    } else if (slot.committedBytes > 0) {
      cachedSlots++;
      cachedBytes += slot.committedBytes;
    }
  }
  const activeBytes = snapshot.neededBytes + aheadBytes;
  return {
    activeSlots,
    cachedSlots,
    aheadBytes,
    cachedBytes,
    staticBytes: activeSlots * snapshot.slotBytes,
    beyondNeed: activeBytes > 0 ? aheadBytes / activeBytes : 0,
  };
}
