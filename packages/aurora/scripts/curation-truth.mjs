/**
 * Precision and recall of the curation filters on clips of known truth:
 * `node packages/aurora/scripts/curation-truth.mjs <work folder> [clips per label] [--split test] [--clip-vision folder]
 * [--json]`. Clips are rendered into the folder once and used again. The limits were set on the split `validation`, which
 * is the default for setting them anew; figures to quote are those of `test`.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ClipVision, measureFilters } from '@triptych/aurora';
import { splits, writeCurationTruth } from '@triptych/world';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    split: { type: 'string', default: 'validation' },
    'clip-vision': { type: 'string' },
    json: { type: 'boolean' },
  },
});
const [folder, count = '32'] = positionals;
const { split } = values;
if (!folder || !['validation', 'test'].includes(split)) {
  console.error(
    'usage: node packages/aurora/scripts/curation-truth.mjs <work folder> [clips per label] [--split validation|test]',
  );
  process.exit(2);
}
const abort = new AbortController();
process.once('SIGINT', () => abort.abort(new Error('interrupted')));
const { signal } = abort;
const clips = path.join(folder, `${split}-${count}`);
if (!existsSync(path.join(clips, 'truth.json')))
  await writeCurationTruth({ folder: clips, clips: Number(count), seeds: splits[split], signal });
const model = values['clip-vision'];
const embedder = model === undefined ? undefined : await ClipVision.open(model, { signal });
const figures = await measureFilters(clips, {
  folder: path.join(folder, `curated-${split}`),
  signal,
  ...(embedder ? { embedder } : {}),
});
await embedder?.[Symbol.asyncDispose]();
if (values.json) console.log(JSON.stringify(figures));
else {
  const show = (share) =>
    share === undefined
      ? '-'.padEnd(22)
      : `${share.value.toFixed(3)} (${share.low.toFixed(2)} to ${share.high.toFixed(2)})`.padEnd(22);
  console.log(`${'label'.padEnd(10)}clips  ${'precision'.padEnd(22)}${'recall'.padEnd(22)}rejected at all`);
  for (const { label, clips: n, precision, recall, rejected } of figures.labels)
    console.log(
      `${label.padEnd(10)}${String(n).padStart(5)}  ${show(precision)}${show(recall)}${show(rejected)}`,
    );
  console.log('taken for:', JSON.stringify(figures.confusion));
  const percentiles = figures.distances.map((d) => d.toFixed(4)).join(', ');
  console.log(`embedding distance of clips to keep, percentiles 1, 5, 50, 95, 99: ${percentiles}`);
}
