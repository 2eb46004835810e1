import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { availableMemoryBytes, defaultKvBudgetBytes } from './budget.js';

const mib = 2 ** 20;
const folders: string[] = [];

/** A folder that looks like the root of a machine with these files. */
function machine(files: Record<string, string>): string {
  const root = mkdtempSync(path.join(tmpdir(), 'triptych-budget-'));
  folders.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  return root;
}

const meminfo = `MemTotal:       16777216 kB\nMemFree:         1000000 kB\nMemAvailable:    8388608 kB\n`;

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('availableMemoryBytes', () => {
  it('is the available memory when no group limits it', () => {
    expect(availableMemoryBytes(machine({ 'proc/meminfo': meminfo, 'proc/self/cgroup': '0::/\n' }))).toBe(
      8192 * mib,
    );
    const unlimited = machine({
      'proc/meminfo': meminfo,
      'proc/self/cgroup': '0::/app\n',
      'sys/fs/cgroup/app/memory.max': 'max\n',
      'sys/fs/cgroup/app/memory.current': '1000\n',
    });
    expect(availableMemoryBytes(unlimited)).toBe(8192 * mib);
  });

  it('is what a version 2 group has left, page cache included', () => {
    const root = machine({
      'proc/meminfo': meminfo,
      'proc/self/cgroup': '0::/app/web\n',
      'sys/fs/cgroup/app/web/memory.max': `${2048 * mib}\n`,
      'sys/fs/cgroup/app/web/memory.current': `${1024 * mib}\n`,
      'sys/fs/cgroup/app/web/memory.stat': `anon 5\ninactive_file ${200 * mib}\nactive_file ${56 * mib}\n`,
    });
    expect(availableMemoryBytes(root)).toBe((1024 + 256) * mib);
  });

  it('is what the tightest parent group has left', () => {
    const root = machine({
      'proc/meminfo': meminfo,
      'proc/self/cgroup': '0::/app/web\n',
      'sys/fs/cgroup/app/memory.max': `${600 * mib}\n`,
      'sys/fs/cgroup/app/memory.current': `${500 * mib}\n`,
      'sys/fs/cgroup/app/web/memory.max': `${2048 * mib}\n`,
      'sys/fs/cgroup/app/web/memory.current': `${10 * mib}\n`,
    });
    expect(availableMemoryBytes(root)).toBe(100 * mib);
  });

  it('finds the limit of a container whose group path does not exist inside it', () => {
    const root = machine({
      'proc/meminfo': meminfo,
      'proc/self/cgroup': '4:cpuset:/docker/abc\n9:memory:/docker/abc\n0::/docker/abc\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': `${512 * mib}\n`,
      'sys/fs/cgroup/memory/memory.usage_in_bytes': `${112 * mib}\n`,
      'sys/fs/cgroup/memory/memory.stat': `inactive_file 1\ntotal_inactive_file ${12 * mib}\n`,
    });
    expect(availableMemoryBytes(root)).toBe(412 * mib);
  });

  it('takes version 1 without a limit as no limit, and never goes below 0', () => {
    const files = {
      'proc/meminfo': meminfo,
      'proc/self/cgroup': '9:memory:/\n',
      'sys/fs/cgroup/memory/memory.usage_in_bytes': `${112 * mib}\n`,
    };
    const limit = 'sys/fs/cgroup/memory/memory.limit_in_bytes';
    expect(availableMemoryBytes(machine({ ...files, [limit]: '9223372036854771712\n' }))).toBe(8192 * mib);
    expect(availableMemoryBytes(machine({ ...files, [limit]: '1000\n' }))).toBe(0);
  });

  it('falls back to free memory where there is no /proc', () => {
    const bytes = availableMemoryBytes(machine({}));
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(totalmem());
  });
});

describe('defaultKvBudgetBytes', () => {
  it('is the stated share in whole MiB, and at least 64', () => {
    const half = defaultKvBudgetBytes();
    expect(half % mib).toBe(0);
    expect(half).toBeGreaterThanOrEqual(64 * mib);
    expect(half).toBeLessThanOrEqual(totalmem() / 2);
    expect(defaultKvBudgetBytes(1e-9)).toBe(64 * mib);
    expect(() => defaultKvBudgetBytes(0)).toThrow(/share/);
    expect(() => defaultKvBudgetBytes(1.1)).toThrow(/share/);
  });
});
