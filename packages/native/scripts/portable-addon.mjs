/**
 * The addon as another processor gets it: without any instruction-set file. The C++ tests leave `cpp/addon` out, so this is
 * what finds a call there that only x86 has. Used by sanitize and by `build.mjs --portable`.
 */
import os from 'node:os';
import path from 'node:path';
import { link, root } from './compile.mjs';

/**
 * Compiles, links and loads it beside the portable C++ tests, with whose objects it shares most files and flags.
 * @param {(done: number, total: number, file: string) => void} [onProgress]
 * @returns {Promise<string>} the file
 * @throws {Error} when a file does not compile, a symbol is missing, or it takes itself for more than portable
 */
export async function buildPortableAddon(onProgress) {
  const outDir = path.join(root, 'build', 'sanitize-portable');
  const output = path.join(outDir, 'triptych.node');
  await link({ tests: false, portable: true, flags: ['-Werror'], outDir, output, onProgress });
  // A shared library links with symbols missing; binding all of them now is what finds those.
  const addon = { exports: {} };
  process.dlopen(addon, output, os.constants.dlopen.RTLD_NOW);
  if (addon.exports.isa !== 'portable')
    throw new Error(`${output} was built without instruction sets but says '${addon.exports.isa}'`);
  return output;
}
