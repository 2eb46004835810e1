/**
 * Writes one set, several processes sharing the work:
 * `node packages/world/scripts/training-set.mjs <folder> <name> --kinds move,swap --rows 10000
 *  [--size 64] [--processes 1] [--relational 0.2] [--noise video] [--split train|validation] [--offset 0]`.
 * `--offset` shifts the seeds, so that two sets of one split share no scene.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { joinParts, splitSeeds, splits, trainingKinds, writeDataset } from '@triptych/world';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kinds: { type: 'string', default: trainingKinds.join(',') },
    rows: { type: 'string', default: '1000' },
    size: { type: 'string', default: '64' },
    processes: { type: 'string', default: '1' },
    relational: { type: 'string', default: '0' },
    noise: { type: 'string' },
    split: { type: 'string', default: 'train' },
    offset: { type: 'string', default: '0' },
    part: { type: 'string' },
  },
});
const [folder, name] = positionals;
if (!folder || !name) {
  console.error('usage: node packages/world/scripts/training-set.mjs <folder> <name> [--kinds …] [--rows …]');
  process.exit(2);
}
const processes = Number(values.processes);
const from = splits[values.split][0] + Number(values.offset);
// Each set takes ten seeds a row at most, so sets with offsets ten times their rows apart are disjoint.
const all = [from, Math.min(splits[values.split][1], from + Number(values.rows) * 10 + 1000)];

if (values.part === undefined) {
  const children = Array.from({ length: processes }, (_, part) =>
    spawn(process.execPath, [import.meta.filename, ...process.argv.slice(2), '--part', String(part)], {
      stdio: 'inherit',
    }),
  );
  const codes = await Promise.all(children.map((child) => new Promise((done) => child.on('exit', done))));
  if (codes.some((code) => code !== 0)) process.exit(1);
  console.log(`${name}: ${(await joinParts(folder, name, processes)).length} rows`);
} else {
  const part = Number(values.part);
  const rows = Number(values.rows);
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('interrupted')));
  await writeDataset({
    folder,
    name,
    part,
    kinds: values.kinds.split(','),
    rows: Math.floor((rows * (part + 1)) / processes) - Math.floor((rows * part) / processes),
    seeds: splitSeeds(all, processes)[part],
    size: Number(values.size),
    relational: Number(values.relational),
    ...(values.noise ? { noise: values.noise } : {}),
    signal: abort.signal,
    onProgress: ({ done, total }) =>
      done % 500 === 0 && console.log(`${name} part ${part}: ${done} of ${total}`),
  });
}
