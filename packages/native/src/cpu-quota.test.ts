import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { cpuQuota, parseCpuMax } from './cpu-quota.js';

const folders: string[] = [];

/** Reads below a folder that looks like the root of a machine with these files. */
function machine(files: Record<string, string>): (file: string) => string | undefined {
  const root = mkdtempSync(path.join(tmpdir(), 'triptych-quota-'));
  folders.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), `${text}\n`);
  }
  return (file) => {
    try {
      return readFileSync(path.join(root, file), 'utf8').trim();
    } catch {
      return undefined;
    }
  };
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

test('reads cgroup v2 limits', () => {
  expect(parseCpuMax('150000 100000')).toBe(1.5);
  expect(parseCpuMax('max 100000')).toBeUndefined();
  expect(parseCpuMax(undefined)).toBeUndefined();
  expect(parseCpuMax('nonsense')).toBeUndefined();
});

describe('the quota', () => {
  test('bounds the cores and is at least one', () => {
    expect(cpuQuota(machine({ 'sys/fs/cgroup/cpu.max': '350000 100000' }), 8)).toBe(3);
    expect(cpuQuota(machine({ 'sys/fs/cgroup/cpu.max': '50000 100000' }), 8)).toBe(1);
    expect(cpuQuota(machine({ 'sys/fs/cgroup/cpu.max': 'max 100000' }), 8)).toBe(8);
    expect(cpuQuota(machine({ 'sys/fs/cgroup/cpu.max': '900000 100000' }), 4)).toBe(4);
    expect(cpuQuota(machine({}), 4)).toBe(4);
  });

  test('is that of version 1, where -1 is none', () => {
    const period = { 'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000' };
    const quota = 'sys/fs/cgroup/cpu/cpu.cfs_quota_us';
    expect(cpuQuota(machine({ ...period, [quota]: '200000' }), 8)).toBe(2);
    expect(cpuQuota(machine({ ...period, [quota]: '-1' }), 8)).toBe(8);
  });

  test("is found in the process's own group, as of a systemd unit", () => {
    const unit = 'sys/fs/cgroup/system.slice/triptych.service';
    const cgroup = { 'proc/self/cgroup': '0::/system.slice/triptych.service' };
    expect(cpuQuota(machine({ ...cgroup, [`${unit}/cpu.max`]: '200000 100000' }), 8)).toBe(2);
    expect(cpuQuota(machine({ ...cgroup, [`${unit}/cpu.max`]: 'max 100000' }), 8)).toBe(8);
  });

  test('is the least of the group and all above it', () => {
    const files = {
      'proc/self/cgroup': '0::/a/b/c',
      'sys/fs/cgroup/a/b/c/cpu.max': '600000 100000',
      'sys/fs/cgroup/a/b/cpu.max': 'max 100000',
      'sys/fs/cgroup/a/cpu.max': '300000 100000',
      'sys/fs/cgroup/a/other/cpu.max': '100000 100000',
    };
    expect(cpuQuota(machine(files), 8)).toBe(3);
    expect(cpuQuota(machine({ ...files, 'sys/fs/cgroup/a/b/c/cpu.max': '200000 100000' }), 8)).toBe(2);
  });

  test('is found in a nested group of version 1, and beside version 2', () => {
    const group = 'sys/fs/cgroup/cpu/docker/abc';
    const files = {
      'proc/self/cgroup': '5:memory:/elsewhere\n4:cpu,cpuacct:/docker/abc\n0::/docker/abc',
      [`${group}/cpu.cfs_quota_us`]: '250000',
      [`${group}/cpu.cfs_period_us`]: '100000',
      'sys/fs/cgroup/cpu/elsewhere/cpu.cfs_quota_us': '100000',
      'sys/fs/cgroup/cpu/elsewhere/cpu.cfs_period_us': '100000',
    };
    expect(cpuQuota(machine(files), 8)).toBe(2);
    expect(cpuQuota(machine({ ...files, 'sys/fs/cgroup/docker/cpu.max': '100000 100000' }), 8)).toBe(1);
  });

  test("is the mount's where the listed path does not exist or leads out of it", () => {
    const limit = { 'sys/fs/cgroup/cpu.max': '200000 100000' };
    expect(cpuQuota(machine({ ...limit, 'proc/self/cgroup': '0::/docker/abc' }), 8)).toBe(2);
    expect(cpuQuota(machine({ ...limit, 'proc/self/cgroup': '0::/../../with:colon' }), 8)).toBe(2);
    expect(cpuQuota(machine({ ...limit, 'proc/self/cgroup': 'nonsense' }), 8)).toBe(2);
  });
});
