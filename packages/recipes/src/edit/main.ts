import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SEEN_ROWS } from './benchmark.js';
import { writeCard } from './card.js';
import { makeData } from './data.js';
import { evaluate } from './evaluate.js';
import { exportModels, publishModel } from './models.js';
import { runQueue } from './queue.js';
import { report } from './report.js';
import { ARMS, type Arm, STEPS } from './settings.js';
import { sweep } from './sweep.js';
import { prepareTokenizer } from './tokenizer.js';
import { trainBase, trainMatched, trainRun } from './train.js';

const HELP = `Trains, compares and exports the embedded edit model. Every part can be stopped and started again.

usage: npm run -w @triptych/recipes edit -- [part] [options]

parts (all of them, in this order but without train, when none is named):
  data       render the data sets and pack them for training
  base       train the common beginning of all runs, unless it is there (packages/recipes/edit/base)
  queue      train all runs of the comparison, --processes at a time, each up to --stop-at
  matched    train A-2x once more for half of the steps
  sweep      choose guidance and steps on validation scenes
  evaluate   judge all trained models on the benchmark
  report     docs/results/aurora.json, pictures, and the tables of docs/aurora.md
  export     write the model of arm M, seed 0, to models/edit
  card       its card and loss curve
  train      train one run: --arm M --seed 0

options:
  --arm NAME       A, A-2x, M or N (default M)
  --seed N         (default 0)
  --steps N        steps of a run after the base (default ${STEPS})
  --stop-at N      save and stop after so many steps (default: all)
  --rows N         rows of each benchmark task, after the ${SEEN_ROWS} seen before (default: all 150)
  --disc-rows N    those whose DiscEdit question is asked (default 25)
  --threads N      cores per process (default 1)
  --processes N    processes side by side (default 2)
  --work DIR       where data, checkpoints and logs live (default packages/recipes/edit/work)
`;

const PARTS = [
  'data',
  'base',
  'queue',
  'matched',
  'sweep',
  'evaluate',
  'report',
  'export',
  'card',
  'train',
] as const;
type Part = (typeof PARTS)[number];
const fromRoot = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    arm: { type: 'string', default: 'M' },
    seed: { type: 'string', default: '0' },
    steps: { type: 'string', default: String(STEPS) },
    'stop-at': { type: 'string' },
    rows: { type: 'string', default: '150' },
    'disc-rows': { type: 'string', default: '25' },
    threads: { type: 'string', default: '1' },
    processes: { type: 'string', default: '2' },
    work: { type: 'string', default: fromRoot('packages/recipes/edit/work') },
  },
});

const unknown = positionals.find((name) => !(PARTS as readonly string[]).includes(name));
if (options.help || unknown !== undefined) {
  console.log(unknown === undefined ? HELP : `unknown part "${unknown}"\n\n${HELP}`);
  process.exitCode = unknown === undefined ? 0 : 2;
} else {
  const stop = new AbortController();
  for (const event of ['SIGINT', 'SIGTERM'] as const) process.once(event, () => stop.abort());
  const wanted = positionals.length === 0 ? PARTS.filter((name) => name !== 'train') : positionals;
  for (const part of PARTS.filter((name) => wanted.includes(name))) {
    if (stop.signal.aborted) break;
    await runPart(part, stop.signal);
  }
}

async function runPart(part: Part, signal: AbortSignal): Promise<void> {
  const { work } = options;
  const steps = wholeNumber('steps');
  const processes = wholeNumber('processes');
  const stopAt = options['stop-at'] === undefined ? steps : wholeNumber('stop-at');
  const training = { work, steps, stopAt, threads: wholeNumber('threads'), signal };
  switch (part) {
    case 'data':
      await makeData(work, processes, signal);
      break;
    case 'base':
      await prepareTokenizer(work);
      console.log(`stopped after step ${await trainBase(training)}`);
      break;
    case 'train':
      await prepareTokenizer(work);
      console.log(
        `stopped after step ${await trainRun(armOf(options.arm), wholeNumber('seed', 0), training)}`,
      );
      break;
    case 'queue':
      await prepareTokenizer(work);
      await runQueue({ work, processes, steps, stopAt, signal });
      break;
    case 'matched':
      console.log(`stopped after step ${await trainMatched(training)}`);
      break;
    case 'sweep':
      await sweep(work, await exportModels(work, steps), signal);
      break;
    case 'evaluate': {
      const models = await exportModels(work, steps);
      console.log(`judging ${models.map(({ name }) => name).join(', ')}`);
      const rows = { rows: wholeNumber('rows'), discRows: wholeNumber('disc-rows', 0) };
      await evaluate({ work, models, shards: processes, ...rows }, signal);
      break;
    }
    case 'report':
      await report({ work, docs: fromRoot('docs') }, processes, signal);
      break;
    case 'export':
      await publishModel(work, fromRoot('models/edit'), steps);
      break;
    case 'card':
      await writeCard({ work, model: fromRoot('models/edit'), results: fromRoot('docs/results'), steps });
      break;
  }
}

function armOf(text: string): Arm {
  if (Object.hasOwn(ARMS, text)) return text as Arm;
  throw new Error(`--arm must be one of ${Object.keys(ARMS).join(', ')}, got "${text}"`);
}

function wholeNumber(
  name: 'steps' | 'stop-at' | 'seed' | 'rows' | 'disc-rows' | 'threads' | 'processes',
  least = 1,
): number {
  const value = Number(options[name]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number of at least ${least}, got "${options[name]}"`);
}
