/** Writes the eight-task benchmark: `node packages/world/scripts/benchmark-set.mjs <folder> [rows]`. */
import { writeBenchmark } from '@triptych/world';

const [folder, rows = '200'] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node packages/world/scripts/benchmark-set.mjs <folder> [rows]');
  process.exit(2);
}
const abort = new AbortController();
process.once('SIGINT', () => abort.abort(new Error('interrupted')));
await writeBenchmark({
  folder,
  rows: Number(rows),
  signal: abort.signal,
  onProgress: ({ name, done, total }) => done === total && console.log(`${name}: ${done} rows`),
});
