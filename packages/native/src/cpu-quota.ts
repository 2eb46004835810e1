/**
 * @module
 * How many cores this process may really use: a container's quota, not the machine's count. Spinning threads beyond
 * the quota make every step slower.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Reads a file or gives undefined: every source here is optional. */
function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Cores in a cgroup v2 `cpu.max` ("200000 100000", "max 100000"); undefined when unlimited or unreadable. */
export function parseCpuMax(text: string | undefined): number | undefined {
  const [quota, period] = (text ?? '').split(/\s+/).map(Number);
  if (quota === undefined || period === undefined || !(quota > 0) || !(period > 0)) return undefined;
  return quota / period;
}

/** Cores allowed by affinity and by the cgroup's quota (v2, then v1), at least 1, rounded down. */
export function cpuQuota(
  read: (path: string) => string | undefined = tryRead,
  cores = availableParallelism(),
): number {
  const v2 = parseCpuMax(read('/sys/fs/cgroup/cpu.max'));
  const v1Quota = read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us');
  const v1Period = read('/sys/fs/cgroup/cpu/cpu.cfs_period_us');
  const quota = v2 ?? parseCpuMax(`${v1Quota} ${v1Period}`);
  return Math.max(1, Math.floor(Math.min(cores, quota ?? cores)));
}
