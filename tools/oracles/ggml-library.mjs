/** Runs small C programs against ggml's shared library, which node-llama-cpp brings (`npm run bench:setup`). */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Finds the library under a folder with `node_modules`; `about` names its version. */
export function findGgml(folder) {
  const modules = path.join(path.resolve(folder), 'node_modules');
  const peer = path.join(modules, 'node-llama-cpp');
  if (!fs.existsSync(peer))
    throw new Error('node-llama-cpp is not installed; run `npm run bench:setup` first');
  const binaries = path.join(modules, '@node-llama-cpp');
  const entry = fs
    .readdirSync(binaries, { recursive: true })
    .find((name) => name.endsWith('libggml-base.so'));
  if (entry === undefined) throw new Error(`no libggml-base.so below ${binaries}`);
  const { version } = JSON.parse(fs.readFileSync(path.join(peer, 'package.json'), 'utf8'));
  const release = JSON.parse(fs.readFileSync(path.join(peer, 'llama/llama.cpp.info.json'), 'utf8'));
  return {
    library: path.join(binaries, entry),
    about: `node-llama-cpp ${version} (llama.cpp ${release.tag}), libggml-base.so`,
  };
}

/** Compiles `source` (C) against the library and hands `use` a function that runs it: `run(args, input) -> stdout`. */
export function withProgram(library, source, use) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'ggml-oracle-'));
  try {
    const binary = path.join(scratch, 'oracle');
    const folder = path.dirname(library);
    fs.writeFileSync(`${binary}.c`, source);
    execFileSync('cc', [
      '-O1',
      '-o',
      binary,
      `${binary}.c`,
      library,
      `-Wl,-rpath,${folder}`,
      '-Wl,--allow-shlib-undefined',
    ]);
    const env = { ...process.env, LD_LIBRARY_PATH: folder };
    return use((args, input = Buffer.alloc(0)) =>
      execFileSync(binary, args, { input, env, maxBuffer: 1 << 28 }),
    );
  } finally {
    fs.rmSync(scratch, { recursive: true });
  }
}
