/** The built command as a process: exit codes, output, signals. Needs `dist/`. */
import { afterEach, describe, expect, it } from 'vitest';
import { finishFake as finish, spawnFake as start, stopAll } from './testing/spawn.js';

afterEach(stopAll);

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
    [['complete', 'a', '--top-p', '1.5']],
    [['complete', 'a', '--seed', '-1']],
    [['complete', 'a', '--max-tokens', '0']],
    [['complete', 'a', '--threads', '1.5']],
    [['complete', 'a', '--kv-memory', '4 parsecs']],
    [['complete', 'a', '--isa', 'mmx']],
    [['complete', 'a', '--stop', '']],
    [['complete', 'a', '--page-group', '5000']],
    [['complete', 'a', '--admission', 'hopeful']],
    [['complete', 'a', '--page-group', '4MiB']],
    [['complete', 'a', '--page-group', '2k']],
    [['serve', '--port', '70000']],
    [['serve', '--api-key', 'a b']],
    [['serve', '--api-key', '']],
    [['complete', 'a', '--model', '']],
    [['serve', '--cors-origin', 'app.example']],
    [['bench', '--batch', '1,x']],
  ])('exits with 2 for %j', async (args) => {
    const { code, stdout, stderr } = await finish(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
  });

  it.each([
    [['complete', 'a', '--json', '--nope'], "unknown option '--nope'"],
    [['complete', 'a', '--top-p', '2', '--json'], "option '--top-p <share>' argument '2' is invalid"],
    [['complete', '--json'], 'empty'],
    [['aurora', 'review', '--json'], "missing required argument 'folder'"],
    [['--json'], "unknown option '--json'"],
  ])('reports %j as an object too', async (args, words) => {
    const { code, stdout, stderr } = await finish(args);
    expect(code).toBe(2);
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
    expect(error).toEqual({ code: 'usage', message: expect.stringContaining(words) });
    expect(error.message).not.toMatch(/^error/);
    expect(stderr).not.toBe('');
  });

  it('prints help as text whatever else is asked for', async () => {
    const { code, stdout } = await finish(['bench', '--json', '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('(default: 1,4,8)');
  });

  it('takes page groups with units', async () => {
    for (const size of ['4096', '64KiB', '2M']) {
      const args = ['complete', 'a', '--page-group', size, '-n', '1', '--seed', '0'];
      expect(await finish(args)).toMatchObject({ code: 0, stdout: 'one\n' });
    }
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

  it('stops at Ctrl-C while loading', async () => {
    const loading = start(['complete', 'go'], { fake: { loadMs: 600_000 } });
    await loading.until(({ stderr }) => stderr === 'loading\n');
    loading.child.kill('SIGINT');
    expect(await loading.exit()).toBe(130);
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

  it('says when the context is too short for the prompt', async () => {
    const args = ['bench', '--prompt', '512', '--tokens', '4', '--batch', '1', '--repeat', '1', '--json'];
    const options = { fake: { info: { contextLength: 64 } } };
    const { code, stdout, stderr } = await finish(args, options);
    expect(code).toBe(0);
    expect(stderr).toBe('The context holds 64 tokens: the prompt has 63, not 512.\n');
    expect(stdout).toContain('"prefill/63"');
    expect((await finish([...args, '--quiet'], options)).stderr).toBe('');
    expect((await finish([...args, '--prompt', '63'], options)).stderr).toBe('');
  });
});
