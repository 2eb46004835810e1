import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadAddon } from './addon.js';
import { type ArenaHandle, openArena } from './pages.js';
import {
  loadWeights,
  Program,
  type ProgramSpec,
  releaseWeights,
  type StepBatch,
  type WeightsHandle,
  weightsBytes,
} from './program.js';

const addonFile = path.resolve(import.meta.dirname, '../build/triptych.node');
const vocabulary = 4;
const width = 32;
const bigRows = 8192;

let folder = '';
/** Zeros, with holes for bytes: a table of 4 rows, or one of 256 MiB that takes a while to load. */
let file = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'triptych-program-'));
  file = path.join(folder, 'weights');
  const opened = openSync(file, 'w');
  ftruncateSync(opened, bigRows * bigRows * 4);
  closeSync(opened);
});
afterAll(() => rmSync(folder, { recursive: true }));

const matrix = (n: number, k: number) => ({ name: 'table', ggmlType: 0, n, k, offset: 0, vector: false });
const small = [matrix(vocabulary, width)];
const big = [matrix(bigRows, bigRows)];
/** A quarter of it. */
const medium = [matrix(bigRows / 4, bigRows)];

/** A program of two operations: rows of the table are its logits. */
const spec: ProgramSpec = {
  buffers: [
    { columns: width, rows: 'tokens' },
    { columns: width, rows: 'outputs' },
  ],
  ops: [
    { op: 'embed', weight: 0, out: 0 },
    { op: 'selectOutputs', x: 0, out: 1 },
  ],
  logits: 1,
  attention: {
    layers: 1,
    queryHeads: 1,
    kvHeads: 1,
    headDim: 8,
    elementBytes: 4,
    tensorBytes: 4096,
    ropeDimensions: 8,
    ropeStyle: 'norm',
    ropeFrequencyBase: 10_000,
    ropeFrequencyScale: 1,
  },
  rmsEpsilon: 1e-5,
  maxTokens: 4,
  maxSequences: 1,
  maxOutputs: 4,
  threads: 1,
  isa: 'portable',
};
const batch: StepBatch = {
  tokens: Int32Array.of(1),
  sequences: Float64Array.of(0, 0, 1),
  outputs: Int32Array.of(0),
  sampling: Float64Array.of(0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0),
  history: new Int32Array(0),
};

function smallArena(): ArenaHandle {
  return openArena({ sizeBytes: 1 << 20, backing: 'anonymous', guard: false }) as ArenaHandle;
}

async function program(): Promise<{ weights: WeightsHandle; program: Program }> {
  const weights = await loadWeights(file, small, { threads: 1 });
  return { weights, program: new Program(weights, smallArena(), spec) };
}

test('a released handle is of no use, but programs go on', async () => {
  const { weights, program: running } = await program();
  expect(weightsBytes(weights)).toBeGreaterThan(0);
  releaseWeights(weights);
  releaseWeights(weights);
  expect(() => weightsBytes(weights)).toThrow('released');
  expect(() => new Program(weights, smallArena(), spec)).toThrow('released');
  expect((await running.run(batch)).tokens).toEqual(Int32Array.of(0));
  running.close();
});

test('released weights give their memory back at once', async () => {
  if (process.platform !== 'linux') return;
  const reservedPages = () => Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0]);
  const before = reservedPages();
  for (let i = 0; i < 4; i++) releaseWeights(await loadWeights(file, medium, { threads: 1 }));
  expect((reservedPages() - before) * 4096).toBeLessThan(statSync(file).size / 2);
});

test.each([
  ['rows', { buffers: [{ columns: width, rows: 'words' }] }],
  ['ropeStyle', { attention: { ...spec.attention, ropeStyle: 'other' } }],
  ['elementBytes', { attention: { ...spec.attention, elementBytes: 3 } }],
  ['isa', { isa: 'abacus' }],
])('a spec with a wrong %s is refused by name', async (field, part) => {
  const weights = await loadWeights(file, small, { threads: 1 });
  const wrong = { ...spec, ...part } as unknown as ProgramSpec;
  expect(() => new Program(weights, smallArena(), wrong)).toThrow(field);
});

test('handles of another kind and getters that throw are errors, not crashes', async () => {
  const addon = loadAddon();
  const { weights, program: open } = await program();
  const arena = smallArena();
  const handle = addon.createProgram(weights, arena, spec);
  const mistaken = handle as unknown as WeightsHandle;
  expect(() => addon.createProgram(mistaken, arena, spec)).toThrow(TypeError);
  expect(() => addon.weightsBytes(mistaken)).toThrow(TypeError);
  expect(() => addon.closeProgram(weights as unknown as typeof handle)).toThrow(TypeError);
  const thrower = {
    get tokens(): Int32Array {
      throw new Error('mine');
    },
  };
  await expect(open.run(thrower as StepBatch)).rejects.toThrow('mine');
  const source = {
    get name(): string {
      throw new Error('mine');
    },
  };
  await expect(loadWeights(file, [source as (typeof small)[0]], { threads: 1 })).rejects.toThrow('mine');
  addon.closeProgram(handle);
  open.close();
});

test('what onProgress throws ends the load and reaches the caller', async () => {
  const failing = () => {
    throw new Error('no more');
  };
  await expect(loadWeights(file, big, { threads: 1, onProgress: failing })).rejects.toThrow('no more');
});

test('an abort at the last report counts', async () => {
  const controller = new AbortController();
  const onProgress = () => controller.abort(new Error('enough'));
  await expect(
    loadWeights(file, small, { threads: 1, onProgress, signal: controller.signal }),
  ).rejects.toThrow('enough');
});

/** Runs `code` in a worker thread, which gets the addon and what it needs; ends it as soon as it posts a message. */
async function terminateOnMessage(code: string): Promise<void> {
  const data = { addonFile, file, small, big, spec, batch };
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const addon = require(workerData.addonFile);
     const { file, small, big, spec, batch } = workerData;
     ${code}`,
    { eval: true, workerData: data },
  );
  await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
}

// What fails here fails the whole process: native threads that call into an environment that is gone.
test('a thread that ends during a load or a step takes nothing down with it', async () => {
  for (let i = 0; i < 3; i++) {
    await terminateOnMessage(`
      let reports = 0;
      addon.loadWeights(file, big, 1, () => { if (++reports === 2) parentPort.postMessage(''); return true; });`);
    await terminateOnMessage(`
      (async () => {
        const weights = await addon.loadWeights(file, small, 1, () => true);
        const arena = new addon.Arena();
        arena.open(1 << 20, false, false);
        const hold = new Int32Array(new SharedArrayBuffer(4));
        addon.runProgram(addon.createProgram(weights, arena, spec), { ...batch, hold });
        parentPort.postMessage('');
      })();`);
  }
});
