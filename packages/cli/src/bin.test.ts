import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const folder = new URL('..', import.meta.url);

it('has an executable that is there before anything is built, for npm to link', async () => {
  const { bin } = JSON.parse(await readFile(new URL('package.json', folder), 'utf8')) as {
    bin: { triptych: string };
  };
  expect(bin.triptych).not.toContain('dist/');
  const { stdout } = await promisify(execFile)(fileURLToPath(new URL(bin.triptych, folder)), ['--help']);
  expect(stdout).toContain('serve');
});
