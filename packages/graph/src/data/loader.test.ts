import { BatchLoader, Mixture, type MixturePosition } from '@triptych/graph';
import { describe, expect, it } from 'vitest';

/** A module whose batches tell what they were made of: [index, seed] pairs plus an offset from the options. */
const SOURCE = `
export function createBatchMaker({ offset }) {
  return async (draws) => {
    if (draws.some(({ set }) => set === 'broken')) throw new Error('no such file');
    return {
      index: Int32Array.from(draws, ({ index }) => index + offset),
      seed: Float32Array.from(draws, ({ seed }) => seed % 1000),
    };
  };
}`;
const moduleOf = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

const mixture = (set = 'a'): Mixture => new Mixture([{ name: set, length: 5, repeat: 2 }], 11);
const loader = (from: Mixture, ahead = 2): BatchLoader =>
  new BatchLoader({ module: moduleOf(SOURCE), options: { offset: 100 }, mixture: from, batchSize: 3, ahead });

async function take(from: BatchLoader, count: number): Promise<{ index: number[]; seed: number[] }[]> {
  const batches = [];
  for (let k = 0; k < count; k++) {
    const { feeds } = await from.next();
    batches.push({ index: [...(feeds.index ?? [])], seed: [...(feeds.seed ?? [])] });
  }
  return batches;
}

describe('BatchLoader', () => {
  it('makes the batches of its mixture in order', async () => {
    const from = loader(mixture());
    const expected = mixture();
    for (const { index, seed } of await take(from, 8)) {
      const draws = expected.draw(3);
      expect(index).toEqual(draws.map((draw) => draw.index + 100));
      expect(seed).toEqual(draws.map((draw) => draw.seed % 1000));
    }
    await from.close();
  });

  it('answers overlapping calls in order, each with its own batch', async () => {
    const from = loader(mixture());
    const expected = mixture();
    for (const { feeds } of await Promise.all(Array.from({ length: 6 }, () => from.next()))) {
      expect([...(feeds.index ?? [])]).toEqual(expected.draw(3).map((draw) => draw.index + 100));
    }
    await from.close();
  });

  it('goes on after a batch that failed', async () => {
    const source = `let calls = 0; export function createBatchMaker() {
      return (draws) => { if (calls++ === 1) return { index: () => 0 }; return { index: Int32Array.of(calls) }; }; }`;
    const from = new BatchLoader({ module: moduleOf(source), mixture: mixture(), batchSize: 3 });
    expect([...((await from.next()).feeds.index ?? [])]).toEqual([1]);
    await expect(from.next()).rejects.toMatchObject({ code: 'invalid_data' });
    expect([...((await from.next()).feeds.index ?? [])]).toEqual([3]);
    await from.close();
  });

  it('resumes with the same batches from the position of the last one used, however many were ahead', async () => {
    const whole = loader(mixture());
    const expected = await take(whole, 9);
    await whole.close();
    for (const ahead of [1, 5]) {
      const early = loader(mixture(), ahead);
      let position: MixturePosition | undefined;
      for (let k = 0; k < 4; k++) ({ position } = await early.next());
      await early.close();
      const from = mixture();
      from.position = JSON.parse(JSON.stringify(position));
      const late = loader(from);
      expect(await take(late, 5)).toEqual(expected.slice(4));
      await late.close();
    }
  });

  it('does not lose the batch that a cancelled call waited for', async () => {
    const from = loader(mixture());
    const abort = new AbortController();
    const cancelled = from.next(abort.signal);
    abort.abort();
    await expect(cancelled).rejects.toBe(abort.signal.reason);
    const [first] = await take(from, 1);
    expect(first?.index).toEqual(
      mixture()
        .draw(3)
        .map(({ index }) => index + 100),
    );
    await from.close();
  });

  it('reports what the module throws, and a module without the function', async () => {
    const failing = loader(mixture('broken'));
    await expect(failing.next()).rejects.toMatchObject({
      code: 'invalid_data',
      message: expect.stringContaining('no such file'),
    });
    await failing.close();
    const empty = new BatchLoader({
      module: moduleOf('export const nothing = 1;'),
      mixture: mixture(),
      batchSize: 1,
    });
    await expect(empty.next()).rejects.toMatchObject({
      message: expect.stringContaining('does not export createBatchMaker'),
    });
    await empty.close();
  });

  it('fails calls after it was closed', async () => {
    const from = loader(mixture());
    await from.close();
    await expect(from.next()).rejects.toMatchObject({ code: 'worker_closed' });
  });

  it('refuses a batch of no examples', () => {
    expect(() => new BatchLoader({ module: '', mixture: mixture(), batchSize: 0 })).toThrow('batchSize');
  });
});
