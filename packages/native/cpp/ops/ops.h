// Row-wise operations of a transformer step: norm, rotary positions with the KV-cache write, gates, adds.
//
// Every function is a per-thread phase: it does its share of the rows (elementwise ones also split columns, which
// does not change their results). All strides are in floats unless named otherwise. Output may be an input where
// stated. No alignment is required; nothing past `columns` is read or written.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "core/isa.h"
#include "core/worker.h"

namespace triptych {

// x[r] += add[r] (if add is not null); then out[r] = x[r] / sqrt(mean(x[r]^2) + epsilon) * weight.
// The sum of squares runs in an order fixed by column, whatever the thread count. out may be x.
struct RmsNormTask {
  Isa isa;
  int rows;
  int columns;
  float* x;              // [rows][columns]; only written if add is given
  size_t x_stride;
  const float* add;      // [rows][columns] or null
  size_t add_stride;
  const float* weight;   // [columns]
  float epsilon;
  float* out;            // [rows][columns]
  size_t out_stride;
};
void rms_norm(const RmsNormTask& task, const Worker& worker);

// x[r] += y[r], in place.
struct AddTask {
  Isa isa;
  int rows;
  int columns;
  float* x;
  size_t x_stride;
  const float* y;
  size_t y_stride;       // 0: the same row (a bias) for all
};
void add_rows(const AddTask& task, const Worker& worker);

// out[r] = gate(g[r]) * u[r]. Silu: g / (1 + e^-g). Gelu: the tanh form, 0.5 g (1 + tanh(sqrt(2/pi) (g + 0.044715 g^3))).
// out may be g or u.
enum class Gate : uint8_t { Silu, Gelu };
struct GateTask {
  Isa isa;
  Gate gate;
  int rows;
  int columns;
  const float* g;
  size_t g_stride;
  const float* u;
  size_t u_stride;
  float* out;
  size_t out_stride;
};
void gate_mul(const GateTask& task, const Worker& worker);

// Rotary position embedding (Su et al. 2021, RoFormer, eq. 34) on the first rope_dims of every head.
// Norm rotates neighbours (x[2i], x[2i+1]), as GGUF's llama tensors want; Neox rotates halves (x[i], x[i + rope_dims/2]).
enum class RopeStyle : uint8_t { Norm, Neox };

// Once per model: angles per position, angle[i] = linear_scale * freq_base^(-2i / rope_dims) / factors[i].
// factors (GGUF rope_freqs, [rope_dims / 2]) may be null. linear_scale is 1 / (context stretch).
void rope_angles(double* angle, int rope_dims, double freq_base, double linear_scale, const float* factors);

// Once per step, shared by all layers: table[r][0..rope_dims/2) = cos, table[r][rope_dims/2..rope_dims) = sin of
// position[r] * angle[i], computed in double. Table row: rope_dims floats.
void rope_table(float* table, const double* angle, int rope_dims, const int32_t* position, int rows, const Worker& worker);

// Rotates q in place, and writes rotated k and plain v to the cache as f16 (round to nearest even) or f32.
// Row r's K starts at key[r] + k_offset, its elements lying as attention/key_block.h says; its V at value[r] + v_offset,
// [kv_heads][head_dim] elements.
struct RopeStoreTask {
  Isa isa;
  bool cache_f32;
  RopeStyle style;
  int rows;
  int q_heads;
  int kv_heads;
  int head_dim;
  int rope_dims;           // even, <= head_dim <= 1024; 0: no rotation
  const float* table;      // rope_table
  float* q;                // [rows][q_heads][head_dim]
  size_t q_stride;
  const float* k;          // [rows][kv_heads][head_dim]
  size_t k_stride;
  const float* v;
  size_t v_stride;
  uint8_t* const* key;     // [rows]
  uint8_t* const* value;   // [rows]
  size_t k_offset;         // bytes: this layer's K and V within a sequence's memory
  size_t v_offset;
};
void rope_store(const RopeStoreTask& task, const Worker& worker);

// Contiguous conversions by one thread, exact up to rounding to nearest even.
void f16_to_f32_row(Isa isa, const uint16_t* in, float* out, size_t n);
void f32_to_f16_row(Isa isa, const float* in, uint16_t* out, size_t n);

}  // namespace triptych
