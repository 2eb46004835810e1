/** `triptych serve` as a process over the fake engine: signals, socket, keys. Needs `dist/`. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { finishFake as finish, spawnFake as start, stopAll } from '../testing/spawn.js';

afterEach(stopAll);

/** Beyond the time within which two signals count as one key press. */
const nextPressMs = 300;

describe('serve', () => {
  async function serving(args: readonly string[] = [], options?: Parameters<typeof start>[1]) {
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

  it('ends with 0 at SIGTERM, and aborts answers after the grace time', async () => {
    const { spawned, url } = await serving(['--grace', '0.05'], { fake: { queueDelayMs: 600_000 } });
    const answer = fetch(`${url}/v1/chat/completions`, chatBody(1));
    await untilRunning(url);
    spawned.child.kill('SIGTERM');
    expect((await answer).status).toBe(503);
    expect(await spawned.exit()).toBe(0);
  });

  it('opens the socket before the model is there', async () => {
    const { port, spawned: first } = await serving();
    // Does not wait for a model that takes a minute.
    const taken = await finish(['serve', '--port', String(port), '--json'], { fake: { loadMs: 600_000 } });
    expect(taken.code).toBe(1);
    expect(JSON.parse(taken.stdout)).toMatchObject({ error: { code: 'port_in_use' } });
    // The first server has the port only for finding a free one here.
    first.child.kill('SIGKILL');
    await first.exit();
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

  it('offers the edit model that comes along, unless told not to', async () => {
    const models = async (url: string) =>
      (await (await fetch(`${url}/api/images/models`)).json()) as { data: { id: string }[] };
    const { url } = await serving([], { fake: { editStepMs: 0 } });
    expect((await models(url)).data.map(({ id }) => id)).toEqual(['fake-edit']);
    const none = await serving(['--image-model', 'none'], { fake: { editStepMs: 0 } });
    expect((await models(none.url)).data).toEqual([]);
    const absent = await finish(['serve', '--port', '0', '--image-model', '/no/such/folder']);
    expect(absent).toMatchObject({ code: 2, stderr: expect.stringContaining('/no/such/folder') });
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
