import type { MemorySnapshot } from '@triptych/llm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/http.js';
import { MemoryWatch } from './memory-watch.js';

const snapshot: MemorySnapshot = {
  backing: 'memfd',
  reservedBytes: 100,
  slotBytes: 100,
  budgetBytes: 50,
  pageGroupBytes: 10,
  neededBytes: 5,
  committedBytes: 10,
  residentBytes: 10,
  maxTokens: 20,
  bytesPerToken: 5,
  slots: [],
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A watch over streams that each give one snapshot and then fail with what `failWith` says. */
function watchThatFails(failWith: () => Error) {
  let connections = 0;
  const watch = new MemoryWatch({
    stream: async function* () {
      connections++;
      yield snapshot;
      throw failWith();
    },
    retryMs: 100,
    longestRetryMs: 300,
    defer: (run) => run(),
  });
  return { watch, connections: () => connections };
}

describe('MemoryWatch', () => {
  it('shows snapshots, then connects again after a break', async () => {
    const { watch, connections } = watchThatFails(() => new ApiError('gone', 0, 'cut'));
    watch.start();
    await vi.advanceTimersByTimeAsync(50);
    expect(watch.store.get()).toMatchObject({ state: 'lost', snapshot, error: { message: 'gone' } });
    await vi.advanceTimersByTimeAsync(100);
    expect(connections()).toBe(2);
    watch.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(connections()).toBe(2);
  });

  it('waits longer each time nothing comes, up to a bound', async () => {
    let connections = 0;
    const watch = new MemoryWatch({
      // biome-ignore lint/correctness/useYield: a stream that fails before its first event
      stream: async function* () {
        connections++;
        throw new ApiError('refused', 503, 'too_many_streams');
      },
      retryMs: 100,
      longestRetryMs: 300,
      defer: (run) => run(),
    });
    watch.start();
    await vi.advanceTimersByTimeAsync(50); // tries at 0, then 100, 300, 600, 900 ...
    const seen: number[] = [];
    for (const step of [100, 200, 300, 300]) {
      await vi.advanceTimersByTimeAsync(step);
      seen.push(connections);
    }
    expect(seen).toEqual([2, 3, 4, 5]);
    watch.stop();
  });

  it('does not try a wrong key again', async () => {
    const { watch, connections } = watchThatFails(() => new ApiError('no', 401, 'invalid_api_key'));
    watch.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(connections()).toBe(1);
    expect(watch.store.get().state).toBe('lost');
  });

  it('leaves nothing behind when it is started twice and stopped', async () => {
    const signals: AbortSignal[] = [];
    const watch = new MemoryWatch({
      stream: async function* (signal) {
        signals.push(signal);
        yield snapshot;
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
      defer: (run) => run(),
    });
    watch.start();
    watch.start();
    await vi.advanceTimersByTimeAsync(10);
    watch.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
  });
});
