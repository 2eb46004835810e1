/** The built command over the real engine and a tiny random model. Needs the addon and `dist/`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import OpenAI from 'openai';
import { afterAll, describe, expect, it } from 'vitest';
import { spawnReal } from './testing/spawn.js';

const tiny = resolve(import.meta.dirname, '..', '..', 'llm', 'fixtures', 'tiny-q8_0.gguf');
const engineFlags = ['--model', tiny, '--kv-memory', '64MiB', '--threads', '1'];
const folder = mkdtempSync(join(tmpdir(), 'triptych-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function finish(args: readonly string[]) {
  const spawned = spawnReal(args);
  spawned.child.stdin.end();
  return { code: await spawned.exit(), stdout: spawned.stdout, stderr: spawned.stderr };
}

describe('with the real engine', () => {
  it('completes, the same for the same seed', async () => {
    const args = ['complete', 'hello', ...engineFlags, '-n', '12', '--json', '--seed'];
    const [first, again, other] = await Promise.all([
      finish([...args, '1']),
      finish([...args, '1']),
      finish([...args, '2']),
    ]);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    const text = ({ stdout }: { stdout: string }) => (JSON.parse(stdout) as { text: string }).text;
    expect(text(again)).toBe(text(first));
    expect(text(other)).not.toBe(text(first));
    expect(JSON.parse(first.stdout)).toMatchObject({ model: 'tiny-q8_0', usage: { completion_tokens: 12 } });
  });

  it('refuses files that are no models', async () => {
    const broken = join(folder, 'broken.gguf');
    writeFileSync(broken, readFileSync(tiny).subarray(0, 5000));
    for (const model of [broken, join(folder, 'absent.gguf'), folder]) {
      const { code, stdout, stderr } = await finish(['complete', 'x', '--model', model]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^triptych: .+\n$/);
    }
  });

  it.each([
    [['--context', '100000'], /^triptych: --context must be a whole number from 1 to 512, got 100000\n$/],
    [['--kv-memory', '4KiB'], /^triptych: KV memory of 4096 bytes .*\(--kv-memory\)\n$/],
    [['--look-ahead', '600'], /^triptych: --look-ahead must be .* from 0 to --context \(512\), not 600\n$/],
  ])('speaks of flags when the engine refuses %j', async (flags, message) => {
    const { code, stderr } = await finish(['complete', 'x', ...engineFlags, ...flags]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('serves the official client and stops at SIGTERM', async () => {
    const spawned = spawnReal(['serve', '--port', '0', '--json', ...engineFlags]);
    await spawned.until(({ stdout }) => stdout.includes('\n'));
    const { url } = JSON.parse(spawned.stdout) as { url: string };
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
    const body = { model: 'tiny-q8_0', prompt: ['a', 'b', 'a'], max_tokens: 8, seed: 3 };
    const { choices, usage } = await client.completions.create(body);
    expect(choices[0]?.text).toBe(choices[2]?.text);
    expect(usage?.completion_tokens).toBe(24);
    let streamed = '';
    for await (const chunk of await client.completions.create({ ...body, prompt: 'a', stream: true })) {
      streamed += chunk.choices[0]?.text ?? '';
    }
    expect(streamed).toBe(choices[0]?.text);
    await expect(client.completions.create({ ...body, prompt: [99_999] })).rejects.toMatchObject({
      status: 400,
    });
    spawned.child.kill('SIGTERM');
    expect(await spawned.exit()).toBe(0);
    expect(spawned.stderr).toBe('');
  });
});
