/**
 * Knowing whether others used the cores while something was measured. A run they disturbed says nothing: peers that
 * spin at barriers lose up to nine tenths of their speed to one busy neighbour.
 */
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Above this share of all cores a measurement counts as disturbed. */
export const quietShare = 0.08;

function cpuTimes() {
  let idleMs = 0;
  let totalMs = 0;
  for (const { times } of os.cpus()) {
    idleMs += times.idle;
    totalMs += Object.values(times).reduce((a, b) => a + b, 0);
  }
  return { idleMs, totalMs };
}

/** Processor time of this process since it started, milliseconds. */
export function ownCpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Starts watching; the returned function tells which share of all cores (0..1) processes other than the measured ones
 * used since.
 * @param {() => number | Promise<number>} measuredCpuMs processor time of what is being measured, so far
 */
export async function watchOthers(measuredCpuMs = ownCpuMs) {
  const before = cpuTimes();
  const measuredBefore = await measuredCpuMs();
  return async () => {
    const measuredMs = (await measuredCpuMs()) - measuredBefore;
    const after = cpuTimes();
    const totalMs = Math.max(1, after.totalMs - before.totalMs);
    const busyMs = totalMs - (after.idleMs - before.idleMs);
    return Math.min(1, Math.max(0, (busyMs - measuredMs) / totalMs));
  };
}

/** Waits until others leave the cores alone, or patience ends. */
export async function settle({ signal, patienceMs = 10_000 }) {
  const endMs = performance.now() + patienceMs;
  do {
    const others = await watchOthers();
    await sleep(200, undefined, { signal });
    if ((await others()) <= quietShare) return;
  } while (performance.now() < endMs);
}

/**
 * Measures until `count` undisturbed results are there, at most three times as often; then the least disturbed ones.
 * @template T
 * @param {{count: number, signal: AbortSignal, measuredCpuMs?: () => number | Promise<number>}} options
 * @param {(round: number) => T | Promise<T>} measure
 * @returns {Promise<{results: T[], otherLoad: number}>} `otherLoad` is the worst share among those kept
 */
export async function measureQuietly({ count, signal, measuredCpuMs }, measure) {
  const rounds = [];
  const undisturbed = () => rounds.filter(({ load }) => load <= quietShare).length;
  for (let round = 0; round < 3 * count && undisturbed() < count; round++) {
    await settle({ signal });
    const others = await watchOthers(measuredCpuMs);
    const result = await measure(round);
    rounds.push({ result, load: await others() });
  }
  const kept = rounds.sort((a, b) => a.load - b.load).slice(0, count);
  return {
    results: kept.map(({ result }) => result),
    otherLoad: Math.round(100 * Math.max(...kept.map(({ load }) => load))) / 100,
  };
}
