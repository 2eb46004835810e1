import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openGguf } from './gguf/read.js';
import { openFile } from './open-file.js';
import { openSafetensors } from './safetensors/read.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'triptych-open-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

describe.runIf(process.platform !== 'win32')('what is no file is refused at once', () => {
  const pipe = path.join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  test.each([
    ['openFile', openFile],
    ['openGguf', openGguf],
    ['openSafetensors', openSafetensors],
  ])('%s', async (_, open) => {
    for (const file of [pipe, folder, '/dev/zero'])
      await expect(open(file)).rejects.toMatchObject({ code: 'IO', message: /is not a file/ });
    await expect(open(path.join(folder, 'absent'))).rejects.toMatchObject({ code: 'IO' });
  });
});

test('a file is opened for reading', async () => {
  const file = path.join(folder, 'file');
  fs.writeFileSync(file, 'abc');
  await using handle = await openFile(file);
  expect(await handle.readFile('utf8')).toBe('abc');
});
