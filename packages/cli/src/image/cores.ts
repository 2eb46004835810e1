/**
 * @module
 * Who may use the cores. Text answers somebody who reads along, so it goes first; an edit runs in the gaps, and gets a
 * share of the time also when there are none.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TextEngineLike } from '@triptych/llm';

/** Waits between looks at the text engines. */
const lookEveryMs = 5;
/** While text is busy, an edit waits this many times as long as its last run took: it gets a quarter of the time. */
const share = 3;
/** Networks whose runs take seconds would wait too long by that rule. */
const longestWaitMs = 2000;

export interface LeaseOptions {
  readonly now?: () => number;
  readonly pause?: (timeoutMs: number, signal?: AbortSignal) => Promise<void>;
}

/**
 * Asks for cores before a run of an image network (`RuntimeOptions.lease` of `@triptych/graph`). Resolves at once while
 * no text is generated.
 */
export function leaseAfterText(
  engine: () => Pick<TextEngineLike, 'stats'> | undefined,
  { now = () => performance.now(), pause = sleepUntil }: LeaseOptions = {},
): (signal?: AbortSignal) => Promise<() => void> {
  let lastRunMs = 0;
  const isBusy = (): boolean => {
    const stats = engine()?.stats();
    return stats !== undefined && stats.running + stats.waiting > 0;
  };
  return async (signal) => {
    signal?.throwIfAborted();
    const askedAt = now();
    const patienceMs = Math.min(longestWaitMs, share * lastRunMs);
    while (isBusy() && now() - askedAt < patienceMs) await pause(lookEveryMs, signal);
    const startedAt = now();
    return () => {
      lastRunMs = now() - startedAt;
    };
  };
}

async function sleepUntil(timeoutMs: number, signal?: AbortSignal): Promise<void> {
  await sleep(timeoutMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}
