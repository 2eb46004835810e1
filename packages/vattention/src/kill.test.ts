/** `kill -9` leaves no memory behind: the memory file has no name, so it goes with the last process that has it open. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

const child = path.join(import.meta.dirname, '..', 'test', 'fixtures', 'holder-child.mjs');
const bytes = 512 * 2 ** 20;
let holder: ChildProcess | undefined;

afterEach(() => {
  holder?.kill('SIGKILL');
});

/** Process ids that have this file open. */
function holdersOf(inode: number): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => memoryFiles(pid).includes(inode));
}

/** Inodes of the KV memory files that a process has open. */
function memoryFiles(pid: string): number[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
      .map((fd) => `/proc/${pid}/fd/${fd}`)
      .filter((link) => readlinkSync(link).startsWith('/memfd:triptych-kv'))
      .map((link) => statSync(link).ino);
  } catch {
    return []; // ended meanwhile, or another user's
  }
}

describe.runIf(process.platform === 'linux')('a process that is killed', () => {
  it('leaves no memory file behind', async () => {
    holder = spawn(process.execPath, [child, 'memfd', `${bytes}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(holder.stdout!, 'data')) as [Buffer];
    expect(JSON.parse(line.toString()).residentBytes).toBe(bytes);
    const [inode] = memoryFiles(String(holder.pid));
    expect(inode).toBeDefined();
    expect(holdersOf(inode!)).toEqual([String(holder.pid)]);
    const whileHeld = sharedMemoryBytes();

    holder.kill('SIGKILL');
    await once(holder, 'exit');
    expect(holdersOf(inode!)).toEqual([]);
    // The file is gone for certain (above). Others take and give memory meanwhile, so only a part is asked back.
    await expect.poll(() => whileHeld - sharedMemoryBytes(), { timeout: 10_000 }).toBeGreaterThan(bytes / 4);
  });
});

function sharedMemoryBytes(): number {
  return Number(/^Shmem:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
}
