/** The built command as a process: exit codes, output, signals. Needs `dist/`. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type Spawned, spawnFake } from './testing/spawn.js';

const running: Spawned[] = [];
const start: typeof spawnFake = (args, options) => {
  const spawned = spawnFake(args, options);
  running.push(spawned);
  return spawned;
};
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL');
});

async function finish(args: readonly string[], options?: Parameters<typeof spawnFake>[1]) {
  const spawned = start(args, { input: '', ...options });
  const code = await spawned.exit();
  return { code, stdout: spawned.stdout, stderr: spawned.stderr };
}

/** Beyond the time within which two signals count as one key press. */
const nextPressMs = 300;

describe('usage', () => {
  it('explains itself', async () => {
    expect(await finish(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('complete') });
    expect(await finish(['serve', '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--port'),
    });
    expect(await finish(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  it.each([
    [[]],
    [['sing']],
    [['complete', 'a', '--nope']],
    [['complete', 'a', 'b']],
    [['complete', 'a', '--temperature', 'hot']],
    [['complete', 'a', '--top-p', '0']],
    [['complete', 'a', '--seed', '-1']],
    [['complete', 'a', '--max-tokens', '0']],
    [['complete', 'a', '--threads', '1.5']],
    [['complete', 'a', '--kv-memory', '4 parsecs']],
    [['complete', 'a', '--isa', 'mmx']],
    [['complete', 'a', '--stop', '']],
    [['serve', '--port', '70000']],
    [['serve', '--api-key', 'a b']],
    [['bench', '--batch', '1,x']],
  ])('exits with 2 for %j', async (args) => {
    const { code, stdout, stderr } = await finish(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
  });

  it('says so when there is no model', async () => {
    const { code, stderr } = await finish(['complete', 'a'], { fake: { noModel: true } });
    expect(code).toBe(2);
    expect(stderr).toContain('--model');
  });
});

describe('complete', () => {
  const flags = ['--max-tokens', '3', '--seed', '0'];

  it('prints the text, with the prompt on request', async () => {
    expect(await finish(['complete', 'go', ...flags])).toEqual({
      code: 0,
      stdout: 'one two three\n',
      stderr: '',
    });
    expect((await finish(['complete', 'go ', '--echo', ...flags])).stdout).toBe('go one two three\n');
    expect((await finish(['complete', 'go', ...flags, '--stop', ' two'])).stdout).toBe('one\n');
  });

  it('reads standard input', async () => {
    for (const args of [['complete'], ['complete', '-']]) {
      expect(await finish([...args, ...flags], { input: 'gö' })).toMatchObject({
        code: 0,
        stdout: 'one two three\n',
      });
    }
    expect(await finish(['complete'], { input: '' })).toMatchObject({ code: 2 });
    expect(await finish(['complete'], { input: new Uint8Array([0xff]) })).toMatchObject({ code: 2 });
  });

  it('prints one JSON object, or one line per event', async () => {
    const result = {
      model: 'fake',
      finish_reason: 'length',
      usage: { prompt_tokens: 1, completion_tokens: 3 },
      duration_ms: expect.any(Number),
    };
    const one = await finish(['complete', 'go', '--json', ...flags]);
    expect(JSON.parse(one.stdout)).toEqual({ text: 'one two three', ...result });
    const lines = (await finish(['complete', 'go', '--json', '--stream', ...flags])).stdout
      .trimEnd()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { type: 'text', text: 'one' },
      { type: 'text', text: ' two' },
      { type: 'text', text: ' three' },
      { type: 'finish', ...result },
    ]);
  });

  it('fails with 1 and says why, in JSON too', async () => {
    const long = await finish(['complete', 'word '.repeat(3000), '--json']);
    expect(long.code).toBe(1);
    expect(JSON.parse(long.stdout)).toMatchObject({ error: { code: 'prompt_too_long' } });
    expect(long.stderr).toMatch(/^triptych: The prompt has 3000 tokens/);
    const broken = await finish(['complete', 'a'], { fake: { loadError: 'not a GGUF file' } });
    expect(broken).toMatchObject({ code: 1, stdout: '', stderr: 'triptych: not a GGUF file\n' });
  });

  it('stops at Ctrl-C with what it has', async () => {
    const spawned = start(['complete', 'go', '--max-tokens', '1000'], { fake: { tokenDelayMs: 20 } });
    await spawned.until(({ stdout }) => stdout.length > 0);
    spawned.child.kill('SIGINT');
    expect(await spawned.exit()).toBe(130);
    expect(spawned.stderr).toBe('');
  });

  it('stops at Ctrl-C while loading and while reading', async () => {
    const loading = start(['complete', 'go'], { fake: { loadMs: 60_000 } });
    const reading = start(['complete']);
    // Both need to be past their start-up to have a handler.
    await sleep(1500);
    for (const spawned of [loading, reading]) {
      spawned.child.kill('SIGINT');
      expect(await spawned.exit()).toBe(130);
    }
  });

  it('ends quietly when nobody reads', async () => {
    const spawned = start(['complete', 'go', '--max-tokens', '1000'], { fake: { tokenDelayMs: 10 } });
    await spawned.until(({ stdout }) => stdout.length > 0);
    spawned.child.stdout.destroy();
    expect(await spawned.exit()).toBe(141);
    expect(spawned.stderr).toBe('');
  });
});

describe('chat', () => {
  const flags = ['--max-tokens', '2', '--seed', '0'];

  it('answers one message', async () => {
    expect(await finish(['chat', 'hi', ...flags])).toEqual({ code: 0, stdout: 'one two\n', stderr: '' });
  });

  it('holds a conversation over a pipe, with commands', async () => {
    const input = 'hi\n/retry\n/system Be brief.\n\nagain\n/history\n/nonsense\n/quit\nnever\n';
    const { code, stdout, stderr } = await finish(['chat', ...flags], { input });
    expect(code).toBe(0);
    expect(stdout).toBe('one two\none two\none two\nsystem: Be brief.\nuser: again\nassistant: one two\n');
    expect(stderr).toContain('/nonsense');
  });

  it('prints one JSON object per answer', async () => {
    const { stdout } = await finish(['chat', '--json', ...flags], { input: 'a\nb' });
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(answers).toMatchObject([
      { role: 'assistant', content: 'one two', usage: { prompt_tokens: 2 } },
      { role: 'assistant', content: 'one two', usage: { prompt_tokens: 7 } },
    ]);
  });

  it('points models without a chat template to complete', async () => {
    const { code, stderr } = await finish(['chat', 'hi'], { fake: { info: { hasChatTemplate: false } } });
    expect(code).toBe(2);
    expect(stderr).toContain('triptych complete');
  });
});

describe('bench', () => {
  it('prints a row per measurement', async () => {
    const args = ['bench', '--prompt', '32', '--tokens', '8', '--batch', '1,3', '--repeat', '2'];
    const { code, stdout } = await finish([...args, '--json']);
    expect(code).toBe(0);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map((row) => row.name)).toEqual(['prefill/32', 'decode/b1', 'decode/b3']);
    for (const row of rows) {
      expect(row.unit).toBe('tok/s');
      expect(row.low).toBeGreaterThan(0);
      expect(row.low).toBeLessThanOrEqual(row.value);
      expect(row.value).toBeLessThanOrEqual(row.high);
    }
    expect((await finish(args)).stdout).toMatch(/^fake, portable[\s\S]*decode\/b3 +\d+/);
  });
});

describe('serve', () => {
  async function serving(args: readonly string[] = [], options?: Parameters<typeof spawnFake>[1]) {
    const spawned = start(['serve', '--port', '0', '--json', ...args], options);
    await spawned.until(({ stdout }) => stdout.includes('\n'));
    return {
      spawned,
      ...(JSON.parse(spawned.stdout) as { url: string; port: number; model: { id: string } }),
    };
  }

  const chatBody = (maxTokens: number) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], max_tokens: maxTokens, seed: 0 }),
  });

  it('serves until Ctrl-C, lets running answers finish, and exits with 0', async () => {
    const { spawned, url, model } = await serving([], { fake: { tokenDelayMs: 30 } });
    expect(model.id).toBe('fake');
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const answer = fetch(`${url}/v1/chat/completions`, chatBody(20));
    await untilRunning(url);
    spawned.child.kill('SIGINT');
    expect((await answer).status).toBe(200);
    expect(await spawned.exit()).toBe(0);
    expect(spawned.stderr).toBe('');
  });

  it('ends at once at a second Ctrl-C', async () => {
    const { spawned, url } = await serving(['--grace', '600'], { fake: { queueDelayMs: 600_000 } });
    const answer = fetch(`${url}/v1/chat/completions`, chatBody(1)).catch((error: unknown) => error);
    await untilRunning(url);
    spawned.child.kill('SIGINT');
    await untilRefused(url);
    await sleep(nextPressMs);
    spawned.child.kill('SIGINT');
    expect(await spawned.exit()).toBe(130);
    expect(await answer).toBeInstanceOf(Error);
  });

  it('takes two signals of one key press as one', async () => {
    const { spawned, url } = await serving([], { fake: { tokenDelayMs: 20 } });
    const answer = fetch(`${url}/v1/chat/completions`, chatBody(30));
    await untilRunning(url);
    spawned.child.kill('SIGINT');
    spawned.child.kill('SIGINT');
    expect((await answer).status).toBe(200);
    expect(await spawned.exit()).toBe(0);
  });

  it('ends with 0 at SIGTERM, and aborts answers after the grace time', async () => {
    const { spawned, url } = await serving(['--grace', '0.05'], { fake: { queueDelayMs: 600_000 } });
    const answer = fetch(`${url}/v1/chat/completions`, chatBody(1));
    await untilRunning(url);
    spawned.child.kill('SIGTERM');
    expect((await answer).status).toBe(503);
    expect(await spawned.exit()).toBe(0);
  });

  it('opens the socket before the model is there', async () => {
    const { port } = await serving();
    // Does not wait for a model that takes a minute.
    const taken = await finish(['serve', '--port', String(port), '--json'], { fake: { loadMs: 600_000 } });
    expect(taken.code).toBe(1);
    expect(JSON.parse(taken.stdout)).toMatchObject({ error: { code: 'port_in_use' } });
    // The first server has the port only for finding a free one here.
    running.at(-2)?.child.kill('SIGKILL');
    await running.at(-2)?.exit();
    const spawned = start(['serve', '--port', String(port), '--quiet'], { fake: { loadMs: 1000 } });
    const health = await untilAnswer(`http://127.0.0.1:${port}/health`);
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({ status: 'loading', progress: { totalBytes: 100 } });
    await spawned.until(({ stdout }) => stdout === `http://127.0.0.1:${port}\n`);
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
  });

  it('ends with 1 when the model cannot be loaded', async () => {
    const { code, stderr } = await finish(['serve', '--port', '0'], { fake: { loadError: 'broken file' } });
    expect(code).toBe(1);
    expect(stderr).toContain('broken file');
  });

  it('refuses a public address without a key, and takes keys from the environment', async () => {
    const open = await finish(['serve', '--host', '0.0.0.0', '--port', '0', '--json']);
    expect(open.code).toBe(1);
    expect(JSON.parse(open.stdout)).toMatchObject({ error: { code: 'public_without_key' } });
    const { url } = await serving(['--allow-host', 'box'], { env: { TRIPTYCH_API_KEY: 'one, two' } });
    expect((await fetch(`${url}/v1/models`)).status).toBe(401);
    expect((await fetch(`${url}/v1/models`, { headers: { authorization: 'Bearer two' } })).status).toBe(200);
  });

  it('says where it is', async () => {
    const spawned = start(['serve', '--port', '0']);
    await spawned.until(({ stdout }) => /API +http:\/\/127\.0\.0\.1:\d+\/v1/.test(stdout));
    expect(spawned.stdout).toContain('fake:');
  });
});

async function untilRunning(url: string): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text();
    if (/num_requests_(running|waiting)\{[^}]*\} [1-9]/.test(text)) return;
    await sleep(5);
  }
}

async function untilAnswer(url: string): Promise<Response> {
  for (;;) {
    try {
      return await fetch(url);
    } catch {
      await sleep(5);
    }
  }
}

async function untilRefused(url: string): Promise<void> {
  const { port, hostname } = new URL(url);
  for (;;) {
    const isRefused = await new Promise<boolean>((resolve) => {
      const socket = connect(Number(port), hostname, () => {
        socket.destroy();
        resolve(false);
      });
      socket.on('error', () => resolve(true));
    });
    if (isRefused) return;
    await sleep(5);
  }
}
