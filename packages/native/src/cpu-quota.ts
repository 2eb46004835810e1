/**
 * @module
 * How many cores this process may really use: a container's quota, not the machine's count. Spinning threads beyond
 * the quota make every step slower.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { posix as path } from 'node:path';

type Read = (file: string) => string | undefined;

/** Reads a file or gives undefined: every source here is optional. */
function tryRead(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
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

/** Cores allowed by affinity and by every control group (v2 and v1) the process is in, at least 1, rounded down. */
export function cpuQuota(read: Read = tryRead, cores = availableParallelism()): number {
  const quotas = groupFolders(read('/proc/self/cgroup')).map((folder) => quotaOf(read, folder) ?? cores);
  return Math.max(1, Math.floor(Math.min(cores, ...quotas)));
}

/** Where the quotas of the process's groups and of all groups above them would be, by the text of `/proc/self/cgroup`. */
function groupFolders(groups = ''): string[] {
  // The mounts themselves: a container's own group, also where the listed path does not exist inside it.
  const folders = new Set(['/sys/fs/cgroup', '/sys/fs/cgroup/cpu']);
  for (const line of groups.split('\n')) {
    const [, id, controllers = '', group = ''] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    const isUnified = id === '0' && controllers === '';
    if (!isUnified && !controllers.split(',').includes('cpu')) continue;
    const mount = isUnified ? '/sys/fs/cgroup' : '/sys/fs/cgroup/cpu';
    // Normalised: a path that leads out of the process's own view of the groups begins with "/..".
    for (let at = path.normalize(group); at !== '/'; at = path.dirname(at)) folders.add(path.join(mount, at));
  }
  return [...folders];
}

/** A folder has the file of one version or of none. */
function quotaOf(read: Read, folder: string): number | undefined {
  const v1 = () => `${read(`${folder}/cpu.cfs_quota_us`)} ${read(`${folder}/cpu.cfs_period_us`)}`;
  return parseCpuMax(read(`${folder}/cpu.max`) ?? v1());
}
