/** `npm start` as a user types it, over a tiny model. The build it begins with has nothing to do after `npm test`'s. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const tiny = resolve(root, 'packages/llm/fixtures/tiny-q8_0.gguf');

/** A stale build is brought up to date first; nothing here depends on how long that takes. */
const timeoutMs = 300_000;

it('builds, serves, and stops with npm', { timeout: timeoutMs }, async () => {
  const flags = ['--port', '0', '--json', '--model', tiny, '--kv-memory', '64MiB'];
  const child = spawn('npm', ['start', '--', ...flags], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((end) => child.once('exit', end));
  try {
    const url = await readUrl(child.stdout);
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({
      status: 'ok',
      models: ['tiny-q8_0'],
    });
    const page = await fetch(`${url}/`);
    expect(page.headers.get('content-type')).toContain('text/html');
    await page.text();
    // To npm alone: the shell between npm and the server does not pass it on, and nothing may stay behind.
    child.kill('SIGTERM');
    await ended;
    await expect(untilRefused(`${url}/health`)).resolves.toBeUndefined();
  } finally {
    child.kill('SIGTERM');
  }
});

async function readUrl(output: Readable): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    if (line.startsWith('{')) return (JSON.parse(line) as { url: string }).url;
  }
  throw new Error('npm start ended without saying where it serves');
}

async function untilRefused(url: string): Promise<void> {
  for (;;) {
    try {
      await (await fetch(url)).text();
    } catch {
      return;
    }
    await new Promise((next) => setTimeout(next, 50));
  }
}
