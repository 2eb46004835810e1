/** Knowing whether a machine is quiet enough to be measured. */
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

function cpuTimes() {
  let idle = 0;
  let total = 0;
  for (const { times } of os.cpus()) {
    idle += times.idle;
    total += Object.values(times).reduce((a, b) => a + b, 0);
  }
  return { idle, total };
}

const sampleMs = 200;
const quietShare = 0.1;

/**
 * Waits until others leave the cores alone, or patience ends. Nothing of the caller's may run meanwhile.
 * @param {{signal: AbortSignal, patienceMs?: number}} options
 * @returns {Promise<number>} share of all cores in use by others at the end, 0..1; above 0.1 distrust what follows
 */
export async function settle({ signal, patienceMs = 5000 }) {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const before = cpuTimes();
    await sleep(sampleMs, undefined, { signal });
    const after = cpuTimes();
    const share = 1 - (after.idle - before.idle) / Math.max(1, after.total - before.total);
    if (share <= quietShare || performance.now() > endMs) return Math.max(0, Math.round(share * 100) / 100);
  }
}
