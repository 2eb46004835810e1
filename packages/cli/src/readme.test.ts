/** The snippets of the project's README do what it says, as printed (but for the server's port). */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spawnReal } from './testing/spawn.js';

const root = resolve(import.meta.dirname, '..', '..', '..');
const section =
  /^## Use it$(.*?)^Pictures, /ms.exec(readFileSync(resolve(root, 'README.md'), 'utf8'))?.[1] ?? '';
const snippets = [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, code = '']) => ({
  language,
  code,
}));

describe('the README', () => {
  let server: ReturnType<typeof spawnReal>;
  let url = '';
  beforeAll(async () => {
    server = spawnReal(['serve', '--port', '0', '--json', '--kv-memory', '64MiB']);
    await server.until(({ stdout }) => stdout.includes('\n'));
    url = (JSON.parse(server.stdout) as { url: string }).url;
  });
  afterAll(() => {
    server.child.kill('SIGTERM');
    return server.exit();
  });

  const run = async (command: string, args: readonly string[]) =>
    (await promisify(execFile)(command, args, { cwd: root, timeout: 60_000 })).stdout;
  const toServer = (code: string) => {
    expect(code).toContain('http://127.0.0.1:8080');
    return code.replaceAll('http://127.0.0.1:8080', url);
  };

  it('has the three snippets', () => {
    expect(snippets.map(({ language }) => language)).toEqual(['sh', 'ts', 'ts']);
  });

  it.runIf(spawnSync('curl', ['--version']).status === 0)('completes a text with curl', async () => {
    const reply = JSON.parse(await run('bash', ['-c', toServer(snippets[0]?.code ?? '')]));
    expect(reply).toMatchObject({ object: 'text_completion', usage: { completion_tokens: 40 } });
    expect(reply.choices[0].text.length).toBeGreaterThan(40);
  });

  it('streams a text with the openai package', async () => {
    const text = await run(process.execPath, [
      '--input-type=module',
      '-e',
      toServer(snippets[1]?.code ?? ''),
    ]);
    expect(text.length).toBeGreaterThan(40);
  });

  it('generates a text with the library', async () => {
    const text = await run(process.execPath, ['--input-type=module', '-e', snippets[2]?.code ?? '']);
    expect(text.length).toBeGreaterThan(40);
  });
});
