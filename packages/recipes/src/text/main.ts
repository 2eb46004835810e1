import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { GraphRuntime } from '@triptych/graph';
import { readCorpus } from './corpus.js';
import { prepareTokens } from './tokens.js';
import { train } from './train.js';

const RECIPE_FOLDER = fileURLToPath(new URL('../../text/', import.meta.url));

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    work: { type: 'string', default: `${RECIPE_FOLDER}work` },
    steps: { type: 'string', default: '2000' },
    until: { type: 'string' },
    threads: { type: 'string', default: '2' },
  },
});

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort());

const corpus = await readCorpus(`${RECIPE_FOLDER}corpus`);
await mkdir(options.work, { recursive: true });
if (positionals[0] === 'prepare') await prepareTokens(corpus, options.work);
if (positionals[0] === 'train') {
  await using runtime = await GraphRuntime.start({ threads: Number(options.threads) });
  await train({
    runtime,
    corpus,
    workFolder: options.work,
    totalSteps: Number(options.steps),
    ...(options.until !== undefined && { until: new Date(options.until) }),
    signal: stop.signal,
    onLine: (line) => {
      if (line.step % 10 === 0) console.log(JSON.stringify(line));
    },
  });
}
