import { setImmediate as nextTurn } from 'node:timers/promises';

/** Longest stretch of pixel work before others get a turn, milliseconds. */
const sliceMs = 8;

/**
 * Calls `work` for every row, from first to last, and gives the event loop a turn every few milliseconds: large pictures
 * take longer than a server may be deaf.
 * @throws the signal's reason, between two rows
 */
export async function byRows(
  height: number,
  work: (row: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  let until = performance.now() + sliceMs;
  for (let row = 0; row < height; row++) {
    work(row);
    if (performance.now() < until) continue;
    await nextTurn();
    signal?.throwIfAborted();
    until = performance.now() + sliceMs;
  }
}
