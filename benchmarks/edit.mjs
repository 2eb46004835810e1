/**
 * Editing pictures: a forward pass of the U-Net at Stable Diffusion 1.5's size against the same network in PyTorch
 * (python/unet.py), the memory it takes, and an edit of the embedded model. Both engines have a process of their own,
 * the same weights, the same threads; runs alternate; figures are medians. The frames and images rows of the world and of
 * training come along.
 */
import fs from 'node:fs';
import path from 'node:path';
import { cpuQuota } from '@triptych/native';
import { startEngine, startProcess } from './engines/child.mjs';
import { pythonOf, torchCommand } from './python/paths.mjs';
import { measureQuietly, ownCpuMs } from './quiet.mjs';
import { sd15Folder } from './random-unet.mjs';
import { median } from './statistics.mjs';

const modelsFolder = path.join(import.meta.dirname, '..', 'models', 'edit');
const mebibyte = 2 ** 20;

/** @param {{row: Function, note: Function, only?: string, quick: boolean, signal: AbortSignal}} bench */
export async function run(bench) {
  const wants = (name) => bench.only === undefined || name.includes(bench.only);
  for (const [name, measure] of rows) {
    bench.signal.throwIfAborted();
    if (wants(name)) await measure({ ...bench, name, threads: cpuQuota() });
  }
}

const rows = [
  ['edit/unet-sd15-256', (bench) => forward(bench, 1)],
  ['edit/unet-sd15-256/b3', (bench) => forward(bench, 3)],
  ['edit/memory', memory],
  ['edit/latency', latency],
  ['world/frames', (bench) => borrowed(bench, './world.mjs', { 'world/frames': 'world/frames' })],
  ['train/images', (bench) => borrowed(bench, './train.mjs', { 'train/unet/images': 'train/images' })],
];

function requireWeights() {
  if (!fs.existsSync(sd15Folder))
    throw new Error(`${sd15Folder} is missing: run \`npm run bench:setup\` first`);
}

/** Seconds of one evaluation at 256 x 256 pixels, of one image or of the three guidance branches of an edit. */
async function forward({ name, row, note, quick, threads, signal }, batch) {
  requireWeights();
  const engines = { ours: startEngine('unet', signal) };
  if (pythonOf() !== undefined) engines.peer = startProcess('torch', torchCommand(), signal);
  const measuredCpuMs = async () => {
    const children = await Promise.all(Object.values(engines).map((engine) => engine.call('cpuMs')));
    return children.reduce((a, b) => a + b, ownCpuMs());
  };
  try {
    for (const engine of Object.values(engines)) {
      note(await engine.call('load', { folder: sd15Folder, threads, batch }));
      for (let k = 0; k < 2; k++) await engine.call('forward'); // first touches
    }
    const difference = engines.peer && relativeError(...(await outputs(engines)));
    const { results, otherLoad } = await measureQuietly(
      { count: quick ? 1 : 5, signal, measuredCpuMs },
      async () => {
        const ours = (await engines.ours.call('forward')).seconds;
        return { ours, peer: engines.peer && (await engines.peer.call('forward')).seconds };
      },
    );
    const value = median(results.map(({ ours }) => ours));
    const against = engines.peer ? median(results.map(({ peer }) => peer)) : null;
    row({
      name,
      value,
      unit: 's',
      against,
      // How many times as fast.
      ratio: against === null ? null : against / value,
      limit: engines.peer
        ? 'PyTorch, channels-last; ratio: times as fast'
        : 'PyTorch is not installed: npm run bench:setup -- --python',
      batch,
      threads,
      relativeError: difference,
      runs: results.map(({ ours }) => ours),
      peerRuns: engines.peer ? results.map(({ peer }) => peer) : [],
      otherLoad,
    });
  } finally {
    for (const engine of Object.values(engines)) await engine.stop();
  }
}

async function outputs(engines) {
  return await Promise.all(
    [engines.ours, engines.peer].map(async (engine) => (await engine.call('output')).values),
  );
}

/** Largest difference over the largest magnitude. */
function relativeError(actual, expected) {
  const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest(actual.map((value, k) => value - expected[k])) / largest(expected);
}

/** Most memory that a process ever had resident which loads the U-Net and runs it, mapped weight pages included. */
async function memory({ name, row, threads, signal }) {
  requireWeights();
  if (!fs.existsSync('/proc/self/status')) return;
  const engine = startEngine('unet', signal);
  try {
    const {
      weightBytes,
      loadMs,
      engine: kernels,
    } = await engine.call('load', {
      folder: sd15Folder,
      threads,
      batch: 1,
    });
    for (let k = 0; k < 2; k++) await engine.call('forward');
    const { peakBytes } = await engine.call('memory');
    row({
      name,
      value: peakBytes / mebibyte,
      unit: 'MiB',
      against: weightBytes / mebibyte,
      limit: 'bytes of the F32 weights; peak resident memory of the whole process',
      loadMs,
      kernels,
      threads,
    });
  } finally {
    await engine.stop();
  }
}

/** Seconds of one edit with the embedded model at its own size and default settings, loading apart. */
async function latency({ name, row, note, quick, threads, signal }) {
  const { openEditor } = await import('@triptych/aurora');
  const { findEditModel } = await import('@triptych/cli');
  const modelFolder = findEditModel(modelsFolder);
  if (modelFolder === undefined) {
    note({ name, notThere: 'the embedded edit model (models/edit)' });
    return;
  }
  const { render, sampleScene } = await import('@triptych/world');
  const loadStart = performance.now();
  const editor = await openEditor(modelFolder, { threads });
  const loadMs = performance.now() - loadStart;
  try {
    const { nativeSide: side, defaults } = editor;
    const { data } = render(sampleScene(1, { count: 4 }), { width: side, height: side });
    const image = { width: side, height: side, channels: 3, data };
    const once = async (seed) => {
      const start = performance.now();
      const request = { ...defaults, image, instruction: 'make the ball red', negative: '', seed };
      await editor.run(request, { signal });
      return (performance.now() - start) / 1000;
    };
    const first = await once(0);
    const { results, otherLoad } = await measureQuietly({ count: quick ? 1 : 5, signal }, (round) =>
      once(round + 1),
    );
    row({
      name,
      value: median(results),
      unit: 's',
      limit: `${side} x ${side} pixels, ${defaults.steps} steps of ${defaults.sampler}`,
      first,
      loadMs,
      threads,
      otherLoad,
    });
  } finally {
    await editor[Symbol.asyncDispose]();
  }
}

/** Rows of another area under the names they have here; its other rows are left out. */
async function borrowed({ row, note, quick, signal }, module, names) {
  const { run: runOther } = await import(module);
  const only = Object.keys(names)[0];
  const renamed = (full) => {
    if (Object.hasOwn(names, full.name)) row({ ...full, name: names[full.name] });
  };
  await runOther({ row: renamed, note, only, quick, signal });
}
