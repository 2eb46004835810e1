/** `triptych aurora rate` and `review`: serving, resuming, reports, exports. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeCandidates, writeStudyFolder } from '@triptych/aurora/testing';
import { describe, expect, it } from 'vitest';
import { run } from '../run.js';
import { testRuntime } from '../testing/runtime.js';

/** Runs a command to its end. */
async function finish(args: readonly string[]) {
  const { runtime, stdout, stderr } = testRuntime({ isTerminal: false });
  const code = await run(args, runtime);
  return { code, stdout: stdout(), stderr: stderr() };
}

async function serving(args: readonly string[]) {
  const { runtime, printed, stdout, stderr } = testRuntime({ isTerminal: false });
  const running = run(['aurora', ...args, '--port', '0', '--json'], runtime);
  // What it says or, when it cannot start, why.
  await Promise.race([printed('\n'), running]);
  expect(stderr()).toMatch(/^(The page is not built|$)/);
  const { url, port } = JSON.parse(stdout()) as { url: string; port: number };
  const call = async <Answer>(path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(
      `http://127.0.0.1:${port}/api/${path}`,
      body === undefined
        ? {}
        : {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          },
    );
    return (await response.json()) as Answer;
  };
  const end = async () => {
    runtime.interrupts.interrupt();
    expect(await running).toBe(0);
    expect(stderr()).toBe('The page is not built: run npm run build; only the API answers.\n');
  };
  return { url, call, end };
}

describe('aurora rate', () => {
  it('keeps ratings over restarts, reports and exports them', async () => {
    using folder = temporaryFolder();
    const results = join(folder.path, 'results');
    await writeStudyFolder(results, { tasks: ['ag'], perTask: 2 });
    const db = join(folder.path, 'study.sqlite');
    const args = ['rate', results, '--db', db];
    interface State {
      token: string;
      done: number;
      trial?: { id: string };
    }
    const first = await serving(args);
    expect(first.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#\/rate$/);
    expect(await first.call('panels')).toEqual({ text: false, rate: true, review: false });
    let state = await first.call<State>('rate/raters', { name: 'Ada' });
    const { token } = state;
    state = await first.call<State>('rate/ratings', { rater: token, trial: state.trial!.id, score: 100 });
    // A second process may read, but not write.
    expect(await finish(['aurora', ...args, '--port', '0'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/study.sqlite is open in process \d+: stop that first/),
    });
    expect((await finish(['aurora', 'rate', '--db', db, '--report'])).stdout).toContain('rater 1 1 of 4');
    await first.end();

    const second = await serving(args);
    state = await second.call<State>(`rate/state?rater=${token}`);
    expect(state.done).toBe(1);
    while (state.trial !== undefined)
      state = await second.call<State>('rate/ratings', { rater: token, trial: state.trial.id, score: 50 });
    await second.end();

    const out = join(folder.path, 'out');
    const report = await finish(['aurora', 'rate', '--db', db, '--report', '--export', out, '--json']);
    expect(JSON.parse(report.stdout)).toMatchObject({ raters: [{ rater: 'rater 1', ratings: 4, total: 4 }] });
    expect(readFileSync(join(out, 'ratings.csv'), 'utf8').trimEnd().split('\r\n')).toHaveLength(5);
    expect(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')).ratings).toHaveLength(4);
  });

  it('says what is wrong', async () => {
    using folder = temporaryFolder();
    const db = join(folder.path, 'study.sqlite');
    const fails = async (...args: string[]) => finish(['aurora', 'rate', ...args]);
    expect(await fails(folder.path)).toMatchObject({ code: 2, stderr: expect.stringContaining('--db') });
    expect(await fails('--db', db)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('result folders'),
    });
    expect(await fails(folder.path, '--db', db, '--export', folder.path)).toMatchObject({ code: 2 });
    expect(await fails(folder.path, '--db', db)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('name the benchmark too: --bench'),
    });
    const noBench = join(folder.path, 'none');
    expect(await fails(folder.path, '--db', db, '--bench', noBench, '--json')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('"code":"DATA"'),
    });
    expect(await fails('--db', db, '--report')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not a rating study: there is no such file'),
    });
    expect(existsSync(db)).toBe(false);
    // Results of another study.
    const [one, two] = [join(folder.path, 'one'), join(folder.path, 'two')];
    await writeStudyFolder(one, { models: ['someone'] });
    await writeStudyFolder(two, { models: ['alpha', 'gamma'] });
    await (await serving(['rate', `alpha=${one}`, '--db', db])).end();
    expect(await fails(two, '--db', db)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('belongs to another study: it does not have what alpha made of item 0'),
    });
  });
});

describe('aurora review', () => {
  it('keeps decisions and exports a data set, also while it runs', async () => {
    using folder = temporaryFolder();
    await writeCandidates(folder.path, 2);
    const { call, end, url } = await serving(['review', folder.path]);
    expect(url).toMatch(/#\/review$/);
    expect(await call('panels')).toEqual({ text: false, rate: false, review: true });
    const { token } = await call<{ token: string }>('review/annotators', { name: 'Ada' });
    await call('review/decisions', {
      annotator: token,
      candidate: 'c0',
      verdict: 'accept',
      instruction: 'Move it',
    });
    const set = join(folder.path, 'data', 'video');
    const exported = await finish(['aurora', 'review', folder.path, '--export', set]);
    expect(exported).toMatchObject({ code: 0, stdout: `1 rows in ${set}/train.json\n` });
    expect(JSON.parse(readFileSync(join(set, 'train.json'), 'utf8'))).toMatchObject([
      { instruction: 'Move it', input: 'video/images/c0_0.png' },
    ]);
    await end();
    const strict = await finish(['aurora', 'review', folder.path, '--export', set, '--agree', '2']);
    expect(strict).toMatchObject({ code: 1, stderr: expect.stringContaining('accepted by 2 annotators') });
    expect(await finish(['aurora', 'review', join(folder.path, 'none')])).toMatchObject({ code: 1 });
  });
});
