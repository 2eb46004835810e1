/**
 * Writes the eight-task benchmark: `node packages/world/scripts/benchmark-set.mjs <folder> [rows] [--diagnostic]`.
 * `--diagnostic` writes the tasks that are measured beside it instead; give them a folder of their own.
 */
import { parseArgs } from 'node:util';
import { writeBenchmark, writeDiagnostics } from '@triptych/world';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { diagnostic: { type: 'boolean', default: false } },
});
const [folder, rows = '200'] = positionals;
if (!folder) {
  console.error('usage: node packages/world/scripts/benchmark-set.mjs <folder> [rows] [--diagnostic]');
  process.exit(2);
}
const abort = new AbortController();
process.once('SIGINT', () => abort.abort(new Error('interrupted')));
await (values.diagnostic ? writeDiagnostics : writeBenchmark)({
  folder,
  rows: Number(rows),
  signal: abort.signal,
  onProgress: ({ name, done, total }) => done === total && console.log(`${name}: ${done} rows`),
});
