/** Writes clips of known truth for curation: `node packages/world/scripts/curation-truth.mjs <folder> [clips per label] [size]`. */
import { splits, writeCurationTruth } from '@triptych/world';

const [folder, clips = '10', size = '128'] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node packages/world/scripts/curation-truth.mjs <folder> [clips per label] [size]');
  process.exit(2);
}
const abort = new AbortController();
process.once('SIGINT', () => abort.abort(new Error('interrupted')));
await writeCurationTruth({
  folder,
  clips: Number(clips),
  size: Number(size),
  seeds: splits.validation,
  signal: abort.signal,
  onProgress: ({ label, done, total }) => done === total && console.log(`${label}: ${done} clips`),
});
