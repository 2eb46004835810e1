/**
 * The speed tables: `npm run -s bench -- [linear] [attention] [llm] [kv] [train] [world] [edit] [--json] [--only text] [--quick]`.
 *
 * Each area is a module `benchmarks/<area>.mjs` with `run({ row, note, only, quick, signal })`. A row is what was
 * measured (`value` in `unit`), the peer or limit measured beside it in the same unit (`against`), `ratio`, value
 * over against, and `readGBs`, the plain read rate of the moment. Rows the project promises something about are held
 * against benchmarks/bounds.mjs. With `--json`, stdout is one such object per line and nothing else.
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { quietShare } from '../benchmarks/quiet.mjs';
import { completeRow, verdict } from '../benchmarks/row.mjs';

const areas = ['linear', 'attention', 'llm', 'kv', 'train', 'world', 'edit'];

function usage(message) {
  console.error(
    `${message}\nusage: npm run -s bench -- [${areas.join('] [')}] [--json] [--only text] [--quick]`,
  );
  process.exit(2);
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean' }, only: { type: 'string' }, quick: { type: 'boolean' } },
    });
    const unknown = positionals.find((name) => !areas.includes(name));
    if (unknown !== undefined) usage(`unknown area '${unknown}'`);
    return { ...values, chosen: positionals.length > 0 ? positionals : areas };
  } catch (error) {
    return usage(error.message);
  }
}

async function machine() {
  const { cpuQuota, loadAddon } = await import('@triptych/native');
  const cpu = os.cpus()[0]?.model.trim() ?? 'unknown processor';
  return {
    name: 'machine',
    cpu,
    cores: os.availableParallelism(),
    quota: cpuQuota(),
    isa: loadAddon().isa,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
    node: process.version,
    date: new Date().toISOString(),
  };
}

/** Four significant digits, no exponent. */
function show(number) {
  if (number === null || number === undefined) return '';
  if (typeof number !== 'number') return String(number);
  if (number === 0) return '0';
  return String(
    Number(number.toPrecision(Math.abs(number) >= 1000 ? Math.ceil(Math.log10(Math.abs(number))) : 4)),
  );
}

const columns = [
  { title: 'row', width: 36, of: (row) => row.name },
  { title: 'value', width: 10, of: (row) => show(row.value), right: true },
  { title: 'unit', width: 9, of: (row) => row.unit },
  { title: 'against', width: 10, of: (row) => show(row.against), right: true },
  { title: 'ratio', width: 7, of: (row) => show(row.ratio && Number(row.ratio.toFixed(3))), right: true },
  { title: 'wanted', width: 15, of: verdict },
  { title: 'read GB/s', width: 9, of: (row) => show(row.readGBs), right: true },
  {
    title: 'others',
    width: 6,
    of: (row) => (row.otherLoad > quietShare ? `${Math.round(100 * row.otherLoad)} %!` : ''),
    right: true,
  },
  { title: 'what against is', width: 0, of: (row) => row.limit ?? '' },
];

function line(cells) {
  return cells
    .map((text, i) => (columns[i].right ? text.padStart(columns[i].width) : text.padEnd(columns[i].width)))
    .join('  ')
    .trimEnd();
}

const { chosen, json, only, quick } = readArguments();
const abort = new AbortController();
process.once('SIGINT', () => abort.abort(new Error('interrupted')));
process.once('SIGTERM', () => abort.abort(new Error('terminated')));

/** Facts about the run (machine, peer), on stderr: they are no rows. */
function note(fact) {
  if (json) return console.error(JSON.stringify(fact));
  const { name, ...rest } = fact;
  console.error(
    `${name}: ${Object.entries(rest)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ')}`,
  );
}

function row(fields) {
  const full = completeRow(fields, currentReadRate);
  console.log(json ? JSON.stringify(full) : line(columns.map((column) => column.of(full))));
}

// What needs a build is imported where a missing one is explained.
let currentReadRate;
try {
  note(await machine());
  ({ currentReadRate } = await import('../benchmarks/read-rate.mjs'));
  if (!json) console.log(line(columns.map((column) => column.title)));
  for (const area of chosen) {
    const { run } = await import(`../benchmarks/${area}.mjs`);
    await run({ row, note, only, quick: quick === true, signal: abort.signal });
  }
  process.exit(0);
} catch (error) {
  const isUnbuilt = error.code === 'ERR_MODULE_NOT_FOUND' && /@triptych/.test(error.message);
  if (abort.signal.aborted) console.error(String(abort.signal.reason?.message));
  else
    console.error(
      isUnbuilt ? `not built yet: run \`npm run build\` first (${error.message})` : (error.stack ?? error),
    );
  process.exit(abort.signal.aborted ? 130 : 1);
}
