/**
 * `npm run fuzz`: seeded hostile input for everything that reads from outside.
 *
 *   node scripts/fuzz.mjs [gguf] [safetensors] [http] [--cases 100000] [--seed 1] [--deadline-minutes 10]
 *
 * A target is a module `fuzz-<name>.mjs` beside this one that exports `name` and
 * `fuzz({ seed, cases, onProgress }) -> Promise<string[]>`: the problems it found. Prints one line per target and
 * exits with 1 if any found a problem or the deadline passed before all cases ran.
 */
import { parseArgs } from 'node:util';

const names = ['gguf', 'safetensors', 'http'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    'deadline-minutes': { type: 'string', default: '10' },
  },
});
const cases = Number(values.cases);
const seed = Number(values.seed);
const deadlineMs = Date.now() + Number(values['deadline-minutes']) * 60_000;
if (!positionals.every((name) => names.includes(name)) || !(cases > 0) || !Number.isInteger(seed)) {
  console.error(`usage: node scripts/fuzz.mjs [${names.join('] [')}] [--cases n] [--seed n]`);
  process.exit(2);
}

let failed = 0;
for (const name of positionals.length > 0 ? positionals : names) {
  const target = await import(`./fuzz-${name}.mjs`);
  const startedMs = Date.now();
  const checkDeadline = (done) => {
    if (Date.now() > deadlineMs) throw new Error(`deadline passed after ${done} cases`);
  };
  const problems = await target
    .fuzz({ seed, cases, onProgress: checkDeadline })
    .catch((error) => [`${name}: ${error.stack ?? error}`]);
  for (const problem of problems) console.error(problem);
  failed += problems.length;
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  console.log(`fuzz ${name}: ${cases} cases, seed ${seed}, ${problems.length} problems, ${seconds} s`);
}
process.exit(failed > 0 ? 1 : 0);
