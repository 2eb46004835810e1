import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { writeFileAtomically } from './atomic-file.js';

let folder: string;
let handles: FileHandle;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'triptych-atomic-'));
  const handle = await open(folder, 'r');
  handles = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

it('syncs what it wrote before the name is the final one, then the folder', async () => {
  const sync = handles.sync;
  const seen: string[][] = [];
  vi.spyOn(handles, 'sync').mockImplementation(function (this: FileHandle) {
    seen.push(readdirSync(join(folder, 'new')));
    return sync.call(this);
  });
  await writeFileAtomically(join(folder, 'new', 'a.txt'), 'text');
  expect(seen).toEqual([[expect.stringMatching(/^a\.txt\..*\.tmp$/)], ['a.txt']]);
  expect(readFileSync(join(folder, 'new', 'a.txt'), 'utf8')).toBe('text');
});

it('keeps the old file, and nothing else, when the disk fails or the caller aborts', async () => {
  const path = join(folder, 'a.txt');
  writeFileSync(path, 'old');
  const full = Object.assign(new Error('no space left'), { code: 'ENOSPC', syscall: 'fsync' });
  vi.spyOn(handles, 'sync').mockRejectedValueOnce(full);
  await expect(writeFileAtomically(path, 'new')).rejects.toMatchObject({
    code: 'IO',
    message: `cannot write ${JSON.stringify(path)}: no space left`,
    cause: full,
  });
  const controller = new AbortController();
  vi.spyOn(handles, 'sync').mockImplementationOnce(async () => controller.abort(new Error('stop')));
  await expect(writeFileAtomically(path, 'new', controller.signal)).rejects.toThrow('stop');
  expect(readdirSync(folder)).toEqual(['a.txt']);
  expect(readFileSync(path, 'utf8')).toBe('old');
});

it('takes a folder that cannot be synced', async () => {
  const sync = handles.sync;
  vi.spyOn(handles, 'sync').mockImplementation(async function (this: FileHandle) {
    if ((await this.stat()).isDirectory()) throw new Error('EINVAL');
    return sync.call(this);
  });
  await writeFileAtomically(join(folder, 'a.txt'), 'text');
  expect(readdirSync(folder)).toEqual(['a.txt']);
});
