import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportOnnx, GraphRuntime, input, loadCheckpoint, Random, readLog } from '@triptych/graph';
import { splits, writeDataset } from '@triptych/world';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyStart, parseEditModel, wholeNetwork } from '../model/network.js';
import { TINY_TOKENS, tinyJson, tinyTokenizer } from '../testing/tiny-model.js';
import { openPairCache, packPairs } from './pair-cache.js';
import {
  CHECKPOINT_FILE,
  type EditLogLine,
  type EditTrainingOptions,
  LOG_FILE,
  snapshotFile,
  trainEditor,
} from './trainer.js';

const SIDE = 16;
let runtime: GraphRuntime;
let base: Omit<EditTrainingOptions, 'folder'>;
let cache: string;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 1 });
  const folder = await mkdtemp(join(tmpdir(), 'triptych-train-'));
  const rows = await writeDataset({
    folder,
    name: 'toy',
    kinds: ['night', 'floor'],
    rows: 8,
    seeds: splits.train,
    size: SIDE,
  });
  cache = join(folder, 'cache', 'toy');
  const examples = await packPairs({ folder, rows, cache, side: SIDE });
  const { folder: tokenizerFolder, vocabulary } = await tinyTokenizer();
  base = {
    runtime,
    config: parseEditModel(tinyJson(vocabulary)),
    window: { width: SIDE, height: SIDE },
    mixture: [{ name: 'toy', length: examples }],
    batches: {
      caches: { toy: cache },
      tokenizerFolder,
      dropoutRate: 0.05,
      changedWeight: 2,
      pureNoiseShare: 0.5,
    },
    batchSize: 4,
    seed: 1,
    schedule: { kind: 'cosine', peak: 3e-3, warmupSteps: 5, totalSteps: 50, finalFraction: 0.1 },
    adamw: { beta2: 0.99, weightDecay: 0.01 },
    isMuon: (name, shape) => shape.length >= 2 && !/embedding|conv_in|conv_out/.test(name),
    averageDecay: 0.99,
  };
}, 240_000);
afterAll(() => runtime.close());

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'triptych-run-'));

describe('the pair cache', () => {
  it('reads rows forwards, and backwards where there is an inverse', async () => {
    const { examples, picture, close } = await openPairCache(cache);
    expect(examples.length).toBeGreaterThan(8);
    const back = examples[8];
    expect(examples[0]).toMatchObject({ source: back?.target, target: back?.source });
    expect(await picture(0)).toHaveLength(3 * SIDE * SIDE);
    await close();
  });
});

describe('training', () => {
  it('starts as an exact copier', async () => {
    const shape = [2, 48, 8, 8];
    const { clean, parameters } = wholeNetwork(base.config, {
      noisy: input('noisy', shape),
      source: input('source', shape),
      timestep: input('timestep', [2]),
      ids: input('ids', [2, TINY_TOKENS], 'int32'),
    });
    const session = await runtime.load(exportOnnx({ clean }));
    const weights = await runtime.createParameters(copyStart(parameters, new Random(0)));
    const random = new Random(1);
    const source = Float32Array.from({ length: 2 * 48 * 64 }, () => random.normal());
    const noisy = Float32Array.from(source, () => random.normal());
    const feeds = { noisy, source, timestep: Float32Array.of(999, 3), ids: new Int32Array(2 * TINY_TOKENS) };
    expect((await session.run(feeds, weights)).clean).toEqual(source);
  });

  it('lowers the loss, and resumes exactly where it was stopped', async () => {
    const whole = await newFolder();
    expect(await trainEditor({ ...base, folder: whole, isSnapshot: (step) => step === 20 })).toBe(50);
    const losses = (await readLog<EditLogLine>(join(whole, LOG_FILE))).map(({ loss }) => loss);
    const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
    expect(losses).toHaveLength(50);
    expect(mean(losses.slice(-10))).toBeLessThan(0.6 * mean(losses.slice(0, 10)));

    const parts = await newFolder();
    expect(await trainEditor({ ...base, folder: parts, stopAt: 20 })).toBe(20);
    const at20 = await loadCheckpoint(join(parts, CHECKPOINT_FILE));
    const snapshot = await loadCheckpoint(join(whole, snapshotFile(20)));
    expect(at20.parameters).toEqual(snapshot.parameters);
    expect(at20.moments).toEqual(snapshot.moments);
    await trainEditor({ ...base, folder: parts });
    const [a, b] = [whole, parts].map((folder) => loadCheckpoint(join(folder, CHECKPOINT_FILE)));
    expect((await b)?.averages).toEqual((await a)?.averages);
    expect((await b)?.parameters).toEqual((await a)?.parameters);
  }, 240_000);

  it('saves and stops when told to', async () => {
    const folder = await newFolder();
    const abort = new AbortController();
    const step = await trainEditor({
      ...base,
      folder,
      signal: abort.signal,
      onLine: (line) => {
        if (line.step === 2) abort.abort();
      },
    });
    expect(step).toBe(2);
    expect((await readFile(join(folder, CHECKPOINT_FILE))).length).toBeGreaterThan(1000);
  }, 240_000);
});
