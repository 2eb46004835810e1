/**
 * Makes packages/checkpoints/fixtures/quantisers.golden.json with ggml's own reference quantisers, called from the
 * shared library that node-llama-cpp brings (`npm run bench:setup`) through a small C program. Needs a C compiler.
 *
 *   node tools/oracles/quantisers.mjs [--peer <folder with node_modules>]
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const root = path.resolve(import.meta.dirname, '../..');
const { values: args } = parseArgs({ options: { peer: { type: 'string' } } });
const modules = path.join(path.resolve(args.peer ?? path.join(root, 'benchmarks')), 'node_modules');
const { version } = JSON.parse(fs.readFileSync(path.join(modules, 'node-llama-cpp/package.json'), 'utf8'));
const release = JSON.parse(
  fs.readFileSync(path.join(modules, 'node-llama-cpp/llama/llama.cpp.info.json'), 'utf8'),
);
const library = findLibrary(path.join(modules, '@node-llama-cpp'));

function findLibrary(folder) {
  for (const entry of fs.readdirSync(folder, { recursive: true })) {
    if (entry.endsWith('libggml-base.so')) return path.join(folder, entry);
  }
  throw new Error('libggml-base.so not found; run `npm run bench:setup` first');
}

const program = `
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
typedef void (*convert)(const float *, void *, int64_t);
int main(int argc, char ** argv) {
  void * library = dlopen(argv[1], RTLD_NOW);
  convert run = library ? (convert) dlsym(library, argv[2]) : 0;
  if (!run) { fprintf(stderr, "%s\\n", dlerror()); return 1; }
  int64_t count = atoll(argv[3]), bytes = atoll(argv[4]);
  float * values = malloc(count * 4);
  void * out = calloc(bytes, 1);
  if (fread(values, 4, count, stdin) != (size_t) count) return 1;
  run(values, out, count);
  fwrite(out, 1, bytes, stdout);
  return 0;
}`;

/** Blocks of several kinds: normal weights, tiny and huge ones, ties, zeros, one outlier. */
function makeValues() {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
  const kinds = [
    () => normal() * 0.02,
    () => normal() * 1e-6,
    () => normal() * 1000,
    () => Math.round(normal() * 4) / 2,
    () => (next() < 0.03 ? 30 : normal() * 0.1),
    () => 0,
    () => Math.round(next() * 254 - 127) / 2,
  ];
  return Float32Array.from({ length: 32 * 70 }, (_, i) => kinds[Math.floor(i / 32) % kinds.length]());
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'quantisers-'));
try {
  fs.writeFileSync(path.join(scratch, 'oracle.c'), program);
  const binary = path.join(scratch, 'oracle');
  execFileSync('cc', ['-O1', '-o', binary, path.join(scratch, 'oracle.c'), '-ldl']);
  const values = makeValues();
  const input = Buffer.from(values.buffer);
  const run = (name, bytes) => {
    const options = { input, env: { ...process.env, LD_LIBRARY_PATH: path.dirname(library) } };
    return execFileSync(binary, [library, name, String(values.length), String(bytes)], options).toString(
      'base64',
    );
  };
  const golden = {
    oracle: `node-llama-cpp ${version} (llama.cpp ${release.tag}), libggml-base.so`,
    script: 'tools/oracles/quantisers.mjs',
    date: new Date().toISOString().slice(0, 10),
    values: input.toString('base64'),
    F16: run('ggml_fp32_to_fp16_row', values.length * 2),
    BF16: run('ggml_fp32_to_bf16_row_ref', values.length * 2),
    Q8_0: run('quantize_row_q8_0_ref', (values.length / 32) * 34),
    Q4_0: run('quantize_row_q4_0_ref', (values.length / 32) * 18),
  };
  const file = path.join(root, 'packages/checkpoints/fixtures/quantisers.golden.json');
  fs.writeFileSync(file, `${JSON.stringify(golden, undefined, 1)}\n`);
} finally {
  fs.rmSync(scratch, { recursive: true });
}
