import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openGguf } from '@triptych/checkpoints';
import type { GraphRuntime } from '@triptych/graph';
import { readLlamaGguf } from '@triptych/nets';
import { type Baselines, measureBaselines } from './baselines/baselines.js';
import type { Corpus } from './corpus.js';
import { type Compression, Evaluator } from './evaluate.js';
import { readTokenizer } from './tokens.js';

const METRICS_FILE = 'metrics.json';
const BASELINES_FILE = 'baselines.json';

/** The exported model on the held-out works. */
export interface Metrics {
  readonly overall: Compression;
  readonly byWork: readonly ({ readonly id: string; readonly title: string } & Compression)[];
}

/** Measures the exported file itself (its weights decoded to float32), so rounding to Q8_0 is part of the result. */
export async function evaluateModel(
  runtime: GraphRuntime,
  modelPath: string,
  corpus: Corpus,
  workFolder: string,
): Promise<Metrics> {
  const { weights } = await readLlamaGguf(await openGguf(modelPath));
  const parameters = await runtime.createParameters(weights);
  const evaluator = await Evaluator.create(runtime, parameters, await readTokenizer(workFolder));
  const byWork: Metrics['byWork'][number][] = [];
  for (const work of corpus.heldOut) {
    byWork.push({ id: work.id, title: work.title, ...(await evaluator.compress(work)) });
  }
  const sum = (value: (work: Compression) => number): number =>
    byWork.reduce((total, work) => total + value(work), 0);
  const bytes = sum((work) => work.bytes);
  const overall = {
    bytes,
    tokens: sum((work) => work.tokens),
    bitsPerByte: sum((work) => work.bitsPerByte * work.bytes) / bytes,
  };
  await writeJson(join(workFolder, METRICS_FILE), { overall, byWork });
  return { overall, byWork };
}

/** Measures the baselines and keeps them in the work folder. */
export async function recordBaselines(corpus: Corpus, workFolder: string): Promise<Baselines> {
  const baselines = await measureBaselines(corpus, await readTokenizer(workFolder));
  await writeJson(join(workFolder, BASELINES_FILE), baselines);
  return baselines;
}

export const readMetrics = (workFolder: string): Promise<Metrics> => readJson(join(workFolder, METRICS_FILE));
export const readBaselines = (workFolder: string): Promise<Baselines> =>
  readJson(join(workFolder, BASELINES_FILE));

async function readJson<Value>(path: string): Promise<Value> {
  return JSON.parse(await readFile(path, 'utf8')) as Value;
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}
