import type { MemorySnapshot, SlotSnapshot } from '@triptych/llm';
import { describe, expect, it } from 'vitest';
import { EMPTY_FEED, HISTORY_MS, type MemoryFeed, memoryFigures, reduceMemoryFeed } from './memory-feed.js';

function snapshotOf(slots: SlotSnapshot[]): MemorySnapshot {
  const sum = (key: 'neededBytes' | 'committedBytes') => slots.reduce((total, slot) => total + slot[key], 0);
  return {
    backing: 'memfd',
    reservedBytes: slots.length * 1000,
    slotBytes: 1000,
    budgetBytes: 2000,
    pageGroupBytes: 10,
    neededBytes: sum('neededBytes'),
    committedBytes: sum('committedBytes'),
    residentBytes: sum('committedBytes'),
    maxTokens: 100,
    bytesPerToken: 10,
    slots,
  };
}

const slots: SlotSnapshot[] = [
  { slot: 0, state: 'active', tokens: 20, neededBytes: 200, committedBytes: 220 },
  { slot: 1, state: 'cached', tokens: 0, neededBytes: 0, committedBytes: 60 },
  { slot: 2, state: 'free', tokens: 0, neededBytes: 0, committedBytes: 0 },
];

describe('memory feed', () => {
  it('keeps the newest snapshot, and it through a lost connection', () => {
    const live = reduceMemoryFeed(EMPTY_FEED, { type: 'snapshot', snapshot: snapshotOf(slots), nowMs: 5 });
    expect(live).toMatchObject({
      state: 'live',
      history: [{ atMs: 5, neededBytes: 200, committedBytes: 280 }],
    });
    const lost = reduceMemoryFeed(live, { type: 'lost', error: { message: 'm', code: 'c', status: 0 } });
    expect(lost).toMatchObject({ state: 'lost', snapshot: live.snapshot });
    expect(reduceMemoryFeed(lost, { type: 'connecting' }).state).toBe('connecting');
  });

  it('bounds the history in time and in density, and ends in the newest sample', () => {
    let feed: MemoryFeed = EMPTY_FEED;
    const snapshot = snapshotOf(slots);
    for (let nowMs = 0; nowMs <= 3 * HISTORY_MS; nowMs += 20) {
      feed = reduceMemoryFeed(feed, { type: 'snapshot', snapshot, nowMs });
    }
    expect(feed.history.length).toBeLessThanOrEqual(HISTORY_MS / 150);
    expect(feed.history.length).toBeGreaterThan(HISTORY_MS / 250);
    expect(feed.history[0]!.atMs).toBeGreaterThanOrEqual(2 * HISTORY_MS);
    expect(feed.history.at(-1)!.atMs).toBe(3 * HISTORY_MS);
  });

  it('derives what is beyond need', () => {
    expect(memoryFigures(snapshotOf(slots))).toEqual({
      activeSlots: 1,
      cachedSlots: 1,
      aheadBytes: 20,
      cachedBytes: 60,
      staticBytes: 1000,
      beyondNeed: 20 / 220,
    });
    expect(memoryFigures(snapshotOf([])).beyondNeed).toBe(0);
  });
});
