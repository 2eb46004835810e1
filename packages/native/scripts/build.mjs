/**
 * Builds build/triptych.node. Prints what it compiles; a second run with nothing changed takes milliseconds.
 * `--portable`: instead checks, in a folder apart, that the addon builds and loads as on a processor without x86
 * instruction sets.
 */
import path from 'node:path';
import { link, root } from './compile.mjs';
import { buildPortableAddon } from './portable-addon.mjs';

const started = Date.now();
let compiled = 0;
function onProgress(done, total, file) {
  compiled = total;
  console.log(`[${done}/${total}] ${file}`);
}
try {
  if (process.argv.includes('--portable')) await buildPortableAddon(onProgress);
  else
    await link({
      tests: false,
      output: path.join(root, 'build', 'triptych.node'),
      outDir: path.join(root, 'build', 'objects'),
      onProgress,
    });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
console.log(`native addon: ${compiled} files compiled in ${((Date.now() - started) / 1000).toFixed(1)} s`);
