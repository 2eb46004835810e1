import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { GraphRuntime } from '@triptych/graph';
import { writeCard } from './card.js';
import { type Corpus, readCorpus } from './corpus.js';
import { exportModel, modelPath } from './export.js';
import { evaluateModel, recordBaselines } from './metrics.js';
import { prepareTokens, TOKENS_FILE } from './tokens.js';
import { train } from './train.js';

const HELP = `Trains and exports the embedded text model. Every part can be stopped and started again.

usage: npm run -w @triptych/recipes text -- [part] [options]

parts (all of them, in this order, when none is named):
  train      get the corpus, learn the tokenizer, train up to --steps
  export     write the GGUF file from the last checkpoint
  evaluate   bits per byte of the exported file on the held-out works
  baselines  the same for xz and 5-grams
  card       model card and loss curve

options:
  --steps N     length of the training (default 1100)
  --until TIME  save and stop training at this time (ISO 8601)
  --threads N   cores for ONNX Runtime (default 2)
  --work DIR    where checkpoints and logs live (default packages/recipes/text/work)
  --models DIR  where the model goes (default models/text)
`;

const PARTS = ['train', 'export', 'evaluate', 'baselines', 'card'];
const RECIPE_FOLDER = fileURLToPath(new URL('../../text/', import.meta.url));
const CORPUS_FOLDER = join(RECIPE_FOLDER, 'corpus');
const MODEL_FOLDER = fileURLToPath(new URL('../../../../models/text', import.meta.url));

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    steps: { type: 'string', default: '1100' },
    until: { type: 'string' },
    threads: { type: 'string', default: '2' },
    work: { type: 'string', default: join(RECIPE_FOLDER, 'work') },
    models: { type: 'string', default: MODEL_FOLDER },
  },
});

const unknown = positionals.find((part) => !PARTS.includes(part));
if (options.help || unknown !== undefined) {
  console.log(unknown === undefined ? HELP : `unknown part "${unknown}"\n\n${HELP}`);
  process.exitCode = unknown === undefined ? 0 : 2;
} else {
  await run(positionals.length === 0 ? PARTS : positionals);
}

async function run(parts: readonly string[]): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const corpus = await openCorpus();
  await mkdir(options.work, { recursive: true });
  await using runtime = await GraphRuntime.start({ threads: wholeNumber('threads', options.threads) });
  for (const part of PARTS.filter((name) => parts.includes(name))) {
    if (stop.signal.aborted) return;
    console.log(`== ${part}`);
    await runPart(part, corpus, runtime, stop.signal);
  }
}

async function runPart(
  part: string,
  corpus: Corpus,
  runtime: GraphRuntime,
  signal: AbortSignal,
): Promise<void> {
  const { work, models } = options;
  switch (part) {
    case 'train': {
      if (!existsSync(join(work, TOKENS_FILE))) await prepareTokens(corpus, work);
      const step = await train({
        runtime,
        corpus,
        workFolder: work,
        totalSteps: wholeNumber('steps', options.steps),
        ...(options.until !== undefined && { until: new Date(options.until) }),
        signal,
        onLine: (line) => {
          if (line.step % 10 === 0) console.log(JSON.stringify(line));
        },
      });
      console.log(`stopped after step ${step}`);
      break;
    }
    case 'export':
      console.log(await exportModel(work, models));
      break;
    case 'evaluate':
      console.log(await evaluateModel(runtime, modelPath(models), corpus, work));
      break;
    case 'baselines':
      console.log(await recordBaselines(corpus, work));
      break;
    case 'card':
      await writeCard(corpus, { work, corpus: CORPUS_FOLDER, model: models });
      break;
  }
}

/** Installs the corpus packages on first use: exact versions, no install scripts. */
async function openCorpus(): Promise<Corpus> {
  if (!existsSync(join(CORPUS_FOLDER, 'node_modules'))) {
    const flags = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
    const { status } = spawnSync('npm', flags, { cwd: CORPUS_FOLDER, stdio: 'inherit' });
    if (status !== 0) throw new Error(`npm install in ${CORPUS_FOLDER} failed`);
  }
  return readCorpus(CORPUS_FOLDER);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} must be a positive whole number, got "${text}"`);
  return value;
}
