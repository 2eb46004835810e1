/**
 * The whole engine against node-llama-cpp: token ids in, sampled tokens out, JavaScript included. Same file, same
 * threads, each engine in a process of its own, runs alternating; the figures are medians of the runs. Before each
 * pair the plain read rate of the moment is measured.
 */
import fs from 'node:fs';
import path from 'node:path';
import { cpuQuota } from '@triptych/native';
import { startEngine } from './engines/child.mjs';
import { measureQuietly, ownCpuMs } from './quiet.mjs';
import { shape1b } from './random-model.mjs';
import { readRate } from './read-rate.mjs';
import { currentPeaks, rooflineSeconds, stepCost } from './roofline.mjs';
import { median, quantile } from './statistics.mjs';

const formats = ['q8_0', 'q4_0'];
const batches = [1, 4, 8, 16];
const promptTokens = 128;
const decodeTokens = 32;
const peerName = 'node-llama-cpp';

/** Token ids that name ordinary words of the random vocabulary, different for every seed. */
function randomPrompt(length, seed) {
  let state = seed * 2654435761 + 12345;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 300 + (state % 30000);
  });
}

function modelFile(format) {
  const file = path.join(import.meta.dirname, 'models', `random-1.1b-${format}.gguf`);
  if (!fs.existsSync(file)) throw new Error(`${file} is missing: run \`npm run bench:setup\` first`);
  return file;
}

/**
 * Runs both engines in turn; the peer may be missing. Medians over the undisturbed rounds. `step`: what a step costs and
 * how many tokens it yields, for the roofline of each round.
 */
async function alternate({ engines, format, rounds, threads, signal }, step, measure) {
  const measuredCpuMs = async () => {
    const children = await Promise.all(Object.values(engines).map((engine) => engine.call('cpuMs')));
    return children.reduce((a, b) => a + b, ownCpuMs());
  };
  const { results, otherLoad } = await measureQuietly(
    { count: rounds, signal, measuredCpuMs },
    async (round) => {
      const limits = { readGBs: readRate(threads), ...currentPeaks(format, threads) };
      return {
        readGBs: limits.readGBs,
        roofline: step.tokens / rooflineSeconds(step.cost, limits),
        ours: await measure(engines.ours, round),
        peer: engines.peer === undefined ? undefined : await measure(engines.peer, round),
      };
    },
  );
  const column = (key) => results.map((result) => result[key]);
  const hasPeer = engines.peer !== undefined;
  const ofRoofline = median(results.map(({ ours, roofline }) => ours / roofline));
  const peer = hasPeer ? peerName : `${peerName} is not installed`;
  return {
    value: median(column('ours')),
    against: hasPeer ? median(column('peer')) : null,
    limit: `${peer} (${ofRoofline.toFixed(2)} of the roofline)`,
    ofRoofline,
    roofline: median(column('roofline')),
    readGBs: median(column('readGBs')),
    runs: column('ours'),
    peerRuns: hasPeer ? column('peer') : [],
    otherLoad,
  };
}

async function prefill(bench) {
  const { engines, format, threads, row } = bench;
  const tokens = 512;
  const measure = async (engine, round) => {
    const { ms } = await engine.call('prefill', { threads, prompt: randomPrompt(tokens, 1 + round) });
    return (tokens / ms) * 1000;
  };
  for (const engine of Object.values(engines)) await measure(engine, 100); // first touches
  const step = { tokens, cost: stepCost(shape1b, { format, sequences: 1, newTokens: tokens, past: 0 }) };
  const result = await alternate(bench, step, measure);
  row({ name: `llm/prefill512/${format}`, unit: 'token/s', ...result, threads });
}

async function decode(bench) {
  const { format, batch, threads, row } = bench;
  const prompts = Array.from({ length: batch }, (_, i) => randomPrompt(promptTokens, 1000 + i));
  const measure = async (engine) => {
    const { tokens, ms } = await engine.call('decode', { threads, prompts, tokens: decodeTokens });
    return (tokens / ms) * 1000;
  };
  const past = promptTokens + decodeTokens / 2;
  const step = { tokens: batch, cost: stepCost(shape1b, { format, sequences: batch, newTokens: 1, past }) };
  const result = await alternate(bench, step, measure);
  row({ name: `llm/decode/b${batch}/${format}`, unit: 'token/s', ...result, threads });
}

async function eventLoop({ engines, row, threads, signal }) {
  const work = {
    prompts: Array.from({ length: 8 }, (_, i) => randomPrompt(promptTokens, 2000 + i)),
    longPrompts: Array.from({ length: 4 }, (_, i) => randomPrompt(512, 3000 + i)),
    tokens: 64,
  };
  const measuredCpuMs = async () => ownCpuMs() + (await engines.ours.call('cpuMs'));
  const { results, otherLoad } = await measureQuietly({ count: 1, signal, measuredCpuMs }, () =>
    engines.ours.call('delays', work),
  );
  const [{ delaysMs }] = results;
  row({
    name: 'llm/event-loop-p99/b8',
    value: quantile(delaysMs, 0.99),
    unit: 'ms',
    limit: 'how late 1 ms timers fire while 8 decode and prompts are processed',
    p50: quantile(delaysMs, 0.5),
    max: Math.max(...delaysMs),
    samples: delaysMs.length,
    threads,
    otherLoad,
  });
}

/** The rows of one model file, as functions of the open engines. */
function rowsOf(format) {
  return [
    { name: `llm/prefill512/${format}`, needsPeer: true, measure: prefill },
    ...batches.map((batch) => ({
      name: `llm/decode/b${batch}/${format}`,
      needsPeer: true,
      measure: (bench) => decode({ ...bench, batch }),
    })),
    ...(format === 'q8_0' ? [{ name: 'llm/event-loop-p99/b8', needsPeer: false, measure: eventLoop }] : []),
  ];
}

function hasPeer() {
  return fs.existsSync(path.join(import.meta.dirname, 'node_modules', peerName));
}

/** @param {{row: Function, note: Function, only?: string, quick: boolean, signal: AbortSignal}} bench */
export async function run({ row, note, only, quick, signal }) {
  const threads = cpuQuota();
  for (const format of formats) {
    const rows = rowsOf(format).filter(({ name }) => only === undefined || name.includes(only));
    if (rows.length === 0) continue;
    const file = modelFile(format);
    const engines = { ours: startEngine('ours', signal) };
    if (hasPeer() && rows.some(({ needsPeer }) => needsPeer)) engines.peer = startEngine('peer', signal);
    try {
      for (const engine of Object.values(engines))
        note({ ...(await engine.call('load', { path: file, threads })), file: path.basename(file) });
      for (const { measure } of rows) {
        signal.throwIfAborted();
        await measure({ engines, format, rounds: quick ? 1 : 3, threads, row, signal });
      }
    } finally {
      for (const engine of Object.values(engines)) await engine.stop();
    }
  }
}
