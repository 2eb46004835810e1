/** How fast memory is at this moment: the bandwidth of shared machines has states that differ by nearly two. */
import { cpuQuota, loadAddon } from '@triptych/native';
import { benchRead } from '@triptych/native/bench';
import { median } from './statistics.mjs';

/** Above the last cache's size, so that reads come from memory. */
const bufferBytes = 1024 << 20;
const sharedMs = 1000;
let last = { atMs: Number.NEGATIVE_INFINITY, readGBs: 0 };

/** Plain reading with so many threads, GB/s. Takes about half a second. */
export function readRate(threads = cpuQuota()) {
  const size = { rotateBytes: bufferBytes, sweepBytes: 16 << 20 };
  return median(benchRead({ isa: loadAddon().isa, threads, seconds: 0.15, ...size })) / 1e9;
}

/** The same for rows that come in a burst: measured again when the last figure is more than a second old. */
export function currentReadRate() {
  if (performance.now() - last.atMs > sharedMs) {
    const readGBs = readRate();
    last = { atMs: performance.now(), readGBs };
  }
  return last.readGBs;
}
