/**
 * @module
 * How much memory the KV cache may take when nobody says: a share of what the container or the machine has left.
 */
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import path from 'node:path';
import { KvError } from './errors.js';

/** The stated share of {@link availableMemoryBytes} that is the default budget. */
export const DEFAULT_BUDGET_SHARE = 0.5;

/**
 * Default KV budget in bytes: `share` (default 0.5) of the memory this process could still take. Rounded down to
 * whole MiB, at least 64 MiB. Throws `KvError` `invalid_argument` for a share outside (0, 1].
 */
export function defaultKvBudgetBytes(share: number = DEFAULT_BUDGET_SHARE): number {
  if (!(share > 0 && share <= 1))
    throw new KvError('invalid_argument', `share must be in (0, 1], not ${share}`);
  const mib = 2 ** 20;
  return Math.max(64 * mib, Math.floor((availableMemoryBytes() * share) / mib) * mib);
}

/**
 * Bytes this process could still take: the least of the machine's available memory and, for every control group
 * (v2 or v1) it is in, limit minus use. Page cache counts as available, as it does for the kernel.
 *
 * @param root where `/proc` and `/sys` are found; tests pass a folder.
 */
export function availableMemoryBytes(root = '/'): number {
  const machine = meminfoBytes(read(root, 'proc/meminfo'), 'MemAvailable') ?? freemem();
  const groups = read(root, 'proc/self/cgroup') ?? '';
  let least = machine;
  for (const line of groups.split('\n')) {
    const [id, controllers, group] = line.split(':');
    if (group === undefined) continue;
    const unified = id === '0' && controllers === '';
    if (!unified && !controllers?.split(',').includes('memory')) continue;
    const mount = unified ? 'sys/fs/cgroup' : 'sys/fs/cgroup/memory';
    // In a container the listed path may not exist below the mount; the mount itself is then the container's group.
    for (let at = group; ; at = path.dirname(at)) {
      least = Math.min(least, leftInGroup(root, path.join(mount, at), unified));
      if (at === '/' || at === '.') break;
    }
  }
  return Math.max(0, least);
}

function leftInGroup(root: string, folder: string, unified: boolean): number {
  const limit = Number(
    read(root, folder, unified ? 'memory.max' : 'memory.limit_in_bytes')?.trim() || Number.NaN,
  );
  const used = Number(
    read(root, folder, unified ? 'memory.current' : 'memory.usage_in_bytes')?.trim() || Number.NaN,
  );
  // "max" in v2 and a number near 2^63 in v1 mean no limit.
  if (!Number.isFinite(limit) || !Number.isFinite(used) || limit > 2 ** 60) return Number.POSITIVE_INFINITY;
  const stat = read(root, folder, 'memory.stat') ?? '';
  const prefix = unified ? '' : 'total_';
  const cache = statBytes(stat, `${prefix}inactive_file`) + statBytes(stat, `${prefix}active_file`);
  return limit - Math.max(0, used - cache);
}

function statBytes(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

function meminfoBytes(text: string | undefined, name: string): number | undefined {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text ?? '')?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

function read(...parts: string[]): string | undefined {
  try {
    return readFileSync(path.join(...parts), 'utf8');
  } catch {
    return undefined; // not Linux, or no such control group
  }
}
