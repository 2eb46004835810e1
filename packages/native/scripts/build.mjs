/** Builds build/triptych.node. Prints what it compiles; a second run with nothing changed takes milliseconds. */
import path from 'node:path';
import { link, root } from './compile.mjs';

const started = Date.now();
let compiled = 0;
try {
  await link({
    tests: false,
    output: path.join(root, 'build', 'triptych.node'),
    outDir: path.join(root, 'build', 'objects'),
    onProgress: (done, total, file) => {
      compiled = total;
      console.log(`[${done}/${total}] ${file}`);
    },
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
console.log(`native addon: ${compiled} files compiled in ${((Date.now() - started) / 1000).toFixed(1)} s`);
