/**
 * Writes a random model to argv[2], loads it, and prints how much memory that took at most: JSON with `fileBytes` and
 * `peakBytes`, what was resident beyond the start, mapped file and all. Linux.
 */
import fs from 'node:fs';
import { TextEngine } from '@triptych/llm';
import { writeRandomModel } from '../../../benchmarks/random-model.mjs';

const shape = {
  name: 'random llama 150M',
  dim: 1024,
  layers: 12,
  heads: 16,
  kvHeads: 4,
  ffn: 2816,
  vocab: 8000,
  context: 512,
};

function residentBytes(field) {
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)[1]) * 1024;
}

const file = process.argv[2];
await writeRandomModel(file, { format: process.argv[3], shape });
// Makes the high-water mark start anew (proc(5)).
fs.writeFileSync('/proc/self/clear_refs', '5');
const before = residentBytes('VmRSS');
const engine = await TextEngine.load(file, { threads: 2, kvMemoryBytes: 16 << 20 });
const peakBytes = residentBytes('VmHWM') - before;
await engine.close();
console.log(JSON.stringify({ fileBytes: fs.statSync(file).size, peakBytes }));
