/**
 * Makes packages/checkpoints/fixtures/quantisers.golden.json with ggml's own reference quantisers, called from the
 * shared library that node-llama-cpp brings (`npm run bench:setup`), through a small C program.
 *
 *   node tools/oracles/quantisers.mjs [--peer <folder with node_modules>]
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findGgml, withProgram } from './ggml-library.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const { values: args } = parseArgs({ options: { peer: { type: 'string' } } });

const program = `
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
void ggml_fp32_to_fp16_row(const float *, void *, int64_t);
void ggml_fp32_to_bf16_row_ref(const float *, void *, int64_t);
void quantize_row_q8_0_ref(const float *, void *, int64_t);
void quantize_row_q4_0_ref(const float *, void *, int64_t);
int main(int argc, char ** argv) {
  int64_t count = atoll(argv[2]), bytes = atoll(argv[3]);
  float * values = malloc(count * 4);
  void * out = calloc(bytes, 1);
  if (fread(values, 4, count, stdin) != (size_t) count) return 1;
  if (!strcmp(argv[1], "F16")) ggml_fp32_to_fp16_row(values, out, count);
  else if (!strcmp(argv[1], "BF16")) ggml_fp32_to_bf16_row_ref(values, out, count);
  else if (!strcmp(argv[1], "Q8_0")) quantize_row_q8_0_ref(values, out, count);
  else quantize_row_q4_0_ref(values, out, count);
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

const values = makeValues();
const input = Buffer.from(values.buffer);
const { library, about } = findGgml(args.peer ?? path.join(root, 'benchmarks'));
const golden = withProgram(library, program, (run) => {
  const convert = (type, bytes) =>
    run([type, String(values.length), String(bytes)], input).toString('base64');
  return {
    oracle: about,
    script: 'tools/oracles/quantisers.mjs',
    date: new Date().toISOString().slice(0, 10),
    values: input.toString('base64'),
    F16: convert('F16', values.length * 2),
    BF16: convert('BF16', values.length * 2),
    Q8_0: convert('Q8_0', (values.length / 32) * 34),
    Q4_0: convert('Q4_0', (values.length / 32) * 18),
  };
});
const file = path.join(root, 'packages/checkpoints/fixtures/quantisers.golden.json');
fs.writeFileSync(file, `${JSON.stringify(golden, undefined, 1)}\n`);
