import { expect, test } from 'vitest';
import { cpuQuota, parseCpuMax } from './cpu-quota.js';

const files = (entries: Record<string, string>) => (path: string) => entries[path];

test('reads cgroup v2 limits', () => {
  expect(parseCpuMax('150000 100000')).toBe(1.5);
  expect(parseCpuMax('max 100000')).toBeUndefined();
  expect(parseCpuMax(undefined)).toBeUndefined();
  expect(parseCpuMax('nonsense')).toBeUndefined();
});

test('the quota bounds the cores and is at least one', () => {
  expect(cpuQuota(files({ '/sys/fs/cgroup/cpu.max': '350000 100000' }), 8)).toBe(3);
  expect(cpuQuota(files({ '/sys/fs/cgroup/cpu.max': '50000 100000' }), 8)).toBe(1);
  expect(cpuQuota(files({ '/sys/fs/cgroup/cpu.max': 'max 100000' }), 8)).toBe(8);
  const v1 = {
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
  };
  expect(cpuQuota(files(v1), 8)).toBe(2);
  expect(
    cpuQuota(
      files({
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
      }),
      8,
    ),
  ).toBe(8);
  expect(cpuQuota(files({}), 4)).toBe(4);
});
