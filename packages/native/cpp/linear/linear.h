// Linear layers: y[rows, n] = x[rows, k] * W[n, k]^T with weights as GGUF stores them (F32, F16, BF16, Q8_0, Q4_0).
//
// Weights are repacked once at load (pack_panels) into panels of 32 columns, one sequential stream of whole cache
// lines of (n rounded up to 32) x row_bytes; see layout.h. A call has two phases with a barrier between them:
// linear_prepare (activations -> the kernels' layout in scratch) and linear_compute.
//
// Bits: every output element depends only on its own row of x and its own row of W, never on the number of rows,
// threads, panels per thread or on which of the kernels of one Isa computed it.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "core/isa.h"
#include "core/worker.h"

namespace triptych {

class Pool;

// Values are ggml's type ids.
enum class WeightType : uint8_t { F32 = 0, F16 = 1, Q4_0 = 2, Q8_0 = 8, BF16 = 30 };

bool weight_type_supported(int ggml_id);
// k must be a multiple of this (32 for the quantised types, 1 for the others).
int weight_block(WeightType type);
// Bytes of one GGUF row of k weights.
size_t row_bytes(WeightType type, int k);

// A repacked matrix [n, k]. `data` is 64-byte aligned and holds packed_bytes(type, n, k).
struct PackedWeights {
  WeightType type;
  int n;
  int k;
  const uint8_t* data;
};

// Panels of 32 columns: ceil(n / 32).
int panel_count(int n);
size_t packed_bytes(WeightType type, int n, int k);
// Packs panels [panel0, panel1). `gguf_rows` is row 0 of the matrix (any alignment), `dst` the start of the whole
// packed matrix; only the bytes of these panels are written, so threads may pack disjoint ranges at once.
void pack_panels(WeightType type, const uint8_t* gguf_rows, int n, int k, int panel0, int panel1, uint8_t* dst);
// Row `row` dequantised to out[k] (the embedding gather).
void unpack_row(const PackedWeights& weights, int row, float* out);

// The next chunk of weights is fetched in four streams at once, line by line in turn, which hardware follows better than one on
// Intel. Kernels that cannot do so take it for a distance.
constexpr int kFourStreams = 16384;

// Properties of the processor and its memory, which can be measured (linear_autotune). Never changes results.
struct LinearTuning {
  // How far ahead of use weights are fetched, in bytes, for 1..16 rows ([0] unused); or kFourStreams.
  int prefetch_int8[17];   // Q8_0
  int prefetch_int4[17];   // Q4_0
  int prefetch_float[17];  // F32, F16, BF16
  // int8_avx512.cpp: a thread reads two panels at a time, or one; for as many rows.
  bool pairs_int8[17];
  bool pairs_int4[17];
  // int8_walk_avx512.cpp: tiles of 8 rows, which have no registers for all sums, or of 6, which have.
  bool tall_tiles;
};
LinearTuning linear_default_tuning(Isa isa);
// Measures them on the caller's own weights (at least 64 MiB together, or the defaults are returned);
// at most about 100 ms, on all threads of the pool.
LinearTuning linear_autotune(Isa isa, Pool& pool, const PackedWeights* weights, int count);

// One activation and up to four weight matrices that share it (q, k, v; gate, up). All parts have the same k and are
// linear_compatible with each other.
struct LinearTask {
  Isa isa;
  const float* x;    // [rows, k], row stride x_stride (floats)
  size_t x_stride;
  int rows;          // >= 1
  int parts;         // 1..4
  const PackedWeights* weights[4];
  float* y[4];       // [rows, n_i], row stride y_stride[i] (floats); nothing but these n_i columns is written
  size_t y_stride[4];
  void* scratch;     // linear_scratch_bytes(), 64-byte aligned
  const LinearTuning* tuning = nullptr;  // nullptr: linear_default_tuning(isa)
};

// Whether two weight types take the same prepared activations, i.e. may share one task.
bool linear_compatible(WeightType a, WeightType b);
// Enough for any Isa and every type compatible with `type`. `threads` is Worker::count.
size_t linear_scratch_bytes(WeightType type, int rows, int k, int threads);

// Phase 1: this thread's share of the activations. Int8 types: blocks of 32 quantised to [-127, 127] with one scale;
// a block with a NaN or a magnitude above 1e30 makes its row NaN, magnitudes below 2^-100 count as zero. BF16 at level
// Avx512Bf16: rounded to bfloat16, subnormal numbers count as zero.
void linear_prepare(const LinearTask& task, const Worker& worker);
// Phase 2, after a barrier (Worker::take starts from 0 again).
void linear_compute(const LinearTask& task, const Worker& worker);

}  // namespace triptych
