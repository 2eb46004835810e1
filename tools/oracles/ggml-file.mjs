/**
 * Makes packages/checkpoints/fixtures/ggml-made.gguf with ggml's own GGUF writer (the reader's proof that it opens what
 * llama.cpp writes) and ggml-types.golden.json with ggml's element types.
 *
 *   node tools/oracles/ggml-file.mjs [--peer <folder with node_modules>]
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findGgml, withProgram } from './ggml-library.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const { values: args } = parseArgs({ options: { peer: { type: 'string' } } });

const lastType = 42; // of ggml in llama.cpp v0.5.0; a larger number would read past ggml's table

// Declarations of ggml.h and gguf.h that the program needs; type numbers as in `enum ggml_type` and `enum gguf_type`.
const program = `
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
struct ggml_init_params { size_t mem_size; void * mem_buffer; bool no_alloc; };
void * ggml_init(struct ggml_init_params params);
void * ggml_new_tensor_2d(void * ctx, int type, int64_t ne0, int64_t ne1);
void * ggml_set_name(void * tensor, const char * name);
void * ggml_get_data(const void * tensor);
size_t ggml_nbytes(const void * tensor);
void * gguf_init_empty(void);
void gguf_set_val_u8(void *, const char *, uint8_t);
void gguf_set_val_i16(void *, const char *, int16_t);
void gguf_set_val_u32(void *, const char *, uint32_t);
void gguf_set_val_i64(void *, const char *, int64_t);
void gguf_set_val_f32(void *, const char *, float);
void gguf_set_val_f64(void *, const char *, double);
void gguf_set_val_bool(void *, const char *, bool);
void gguf_set_val_str(void *, const char *, const char *);
void gguf_set_arr_data(void *, const char *, int type, const void * data, size_t n);
void gguf_set_arr_str(void *, const char *, const char ** data, size_t n);
void gguf_add_tensor(void *, const void * tensor);
int64_t ggml_blck_size(int type);
size_t ggml_type_size(int type);
const char * ggml_type_name(int type);
bool gguf_write_to_file(const void *, const char * path, bool only_meta);

static void add(void * file, void * ctx, const char * name, int type, int64_t ne0, int64_t ne1) {
  void * tensor = ggml_new_tensor_2d(ctx, type, ne0, ne1);
  ggml_set_name(tensor, name);
  uint8_t * data = ggml_get_data(tensor);
  for (size_t i = 0; i < ggml_nbytes(tensor); i++) data[i] = (uint8_t) (i * 7 + type);
  gguf_add_tensor(file, tensor);
}

int main(int argc, char ** argv) {
  void * file = gguf_init_empty();
  struct ggml_init_params params = { 1 << 20, 0, false };
  void * ctx = ggml_init(params);
  gguf_set_val_str(file, "general.architecture", "llama");
  gguf_set_val_str(file, "general.name", "made by ggml \\xe2\\x9c\\x93");
  gguf_set_val_u8(file, "u8", 200);
  gguf_set_val_i16(file, "i16", -300);
  gguf_set_val_u32(file, "u32", 4000000000u);
  gguf_set_val_i64(file, "i64", -5000000000ll);
  gguf_set_val_f32(file, "f32", 0.25f);
  gguf_set_val_f64(file, "f64", 1e300);
  gguf_set_val_bool(file, "bool", true);
  const float scores[] = { 0.0f, -1.5f };
  const int32_t kinds[] = { 3, -1 };
  const char * tokens[] = { "<s>", "\\xe2\\x96\\x81the" };
  gguf_set_arr_data(file, "scores", 6, scores, 2);
  gguf_set_arr_data(file, "kinds", 5, kinds, 2);
  gguf_set_arr_str(file, "tokens", tokens, 2);
  add(file, ctx, "f32", 0, 3, 2);
  add(file, ctx, "f16", 1, 5, 1);
  add(file, ctx, "q4_0", 2, 32, 3);
  add(file, ctx, "q8_0", 8, 64, 1);
  add(file, ctx, "q6_K", 14, 256, 1);
  add(file, ctx, "iq4_xs", 23, 256, 1);
  add(file, ctx, "bf16", 30, 4, 4);
  for (int type = 0; type <= ${lastType}; type++) {
    if (ggml_blck_size(type) == 0) continue;
    printf("%d %s %d %d\\n", type, ggml_type_name(type), (int) ggml_blck_size(type), (int) ggml_type_size(type));
  }
  return gguf_write_to_file(file, argv[1], false) ? 0 : 1;
}`;

const { library, about } = findGgml(args.peer ?? path.join(root, 'benchmarks'));
const fixtures = path.join(root, 'packages/checkpoints/fixtures');
const printed = withProgram(library, program, (run) =>
  run([path.join(fixtures, 'ggml-made.gguf')]).toString('utf8'),
);
const types = printed
  .trim()
  .split('\n')
  .map((line) => line.split(' '))
  .map(([id, name, blockSize, blockBytes]) => ({
    id: +id,
    name,
    blockSize: +blockSize,
    blockBytes: +blockBytes,
  }));
const golden = {
  oracle: about,
  script: 'tools/oracles/ggml-file.mjs',
  date: new Date().toISOString().slice(0, 10),
  types,
};
fs.writeFileSync(path.join(fixtures, 'ggml-types.golden.json'), `${JSON.stringify(golden, undefined, 1)}\n`);
