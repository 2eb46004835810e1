/** Our U-Net as an engine under test, loaded as an edit loads it. Run as a child process by `startEngine('unet')`. */
import fs from 'node:fs';
import { canRunPlans, GraphRuntime } from '@triptych/graph';
import { detectIsa } from '@triptych/native';
import { bindWeights, loadNetwork, openWeightFiles } from '@triptych/nets';
import { sd15, sd15Graph, sd15Inputs } from '../random-unet.mjs';
import { serve } from './child.mjs';

let session;
let feeds;
let output;

/** Smooth numbers of about unit size, the same in every engine. */
function wave(count, shift) {
  return Float32Array.from({ length: count }, (_, k) => 1.4 * Math.sin(12.9898 * k + shift));
}

serve({
  /** @param {{folder: string, threads: number, batch: number}} params */
  async load({ folder, threads, batch }) {
    const { side, tokens } = sd15Inputs;
    const { output: prediction, parameters } = sd15Graph({ batch });
    const files = await openWeightFiles(folder);
    const weights = bindWeights(parameters, files, 'unet');
    const runtime = await GraphRuntime.start({ threads });
    const start = performance.now();
    session = await loadNetwork(runtime, { output: prediction }, weights, files.folder);
    const loadMs = performance.now() - start;
    feeds = {
      sample: wave(batch * sd15.in_channels * side * side, 1),
      timestep: new Float32Array(batch).fill(500),
      text: wave(batch * tokens * sd15.cross_attention_dim, 2),
    };
    const weightBytes = [...weights.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const engine = canRunPlans() ? `own kernels (${detectIsa()})` : 'ONNX Runtime';
    return { name: 'triptych', engine, threads, batch, loadMs, weightBytes };
  },

  async forward() {
    const start = performance.now();
    ({ output } = await session.run(feeds));
    return { seconds: (performance.now() - start) / 1000 };
  },

  async output() {
    return { values: [...output] };
  },

  /** Most resident memory so far, from Linux. */
  async memory() {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'));
    return { peakBytes: 1024 * Number(line?.[1]) };
  },
});
