#include "ops/ops.h"

#include <cmath>
#include <cstring>

#include "attention/key_block.h"
#include "ops/ops_kernels.h"

namespace triptych {
namespace {

const OpsKernels& kernels(Isa isa) {
#if defined(TRIPTYCH_X86)
  if (isa >= Isa::Avx512) return ops_kernels_avx512();
  if (isa >= Isa::Avx2) return ops_kernels_avx2();
#endif
  (void)isa;
  return ops_kernels_portable();
}

// Calls f(unit) for this worker's even share of 0..units-1.
template <class F> void share(int units, const Worker& worker, F f) {
  const int begin = (int)((int64_t)units * worker.index / worker.count);
  const int end = (int)((int64_t)units * (worker.index + 1) / worker.count);
  for (int unit = begin; unit < end; unit++) f(unit);
}

// Elementwise work is shared in pieces of one row: a single decode row still occupies every thread.
constexpr int kPiece = 1024;

template <class F> void share_pieces(int rows, int columns, const Worker& worker, F f) {
  const int pieces = (columns + kPiece - 1) / kPiece;
  share(rows * pieces, worker, [&](int unit) {
    const int column = unit % pieces * kPiece;
    f(unit / pieces, column, columns - column < kPiece ? columns - column : kPiece);
  });
}

}  // namespace

void rms_norm(const RmsNormTask& t, const Worker& worker) {
  const OpsKernels& k = kernels(t.isa);
  share(t.rows, worker, [&](int row) {
    const size_t r = (size_t)row;
    k.rms_norm(t.x + r * t.x_stride, t.add ? t.add + r * t.add_stride : nullptr, t.weight, t.epsilon, t.out + r * t.out_stride, t.columns);
  });
}

void add_rows(const AddTask& t, const Worker& worker) {
  const OpsKernels& k = kernels(t.isa);
  share_pieces(t.rows, t.columns, worker, [&](int row, int column, int n) {
    k.add(t.x + (size_t)row * t.x_stride + column, t.y + (size_t)row * t.y_stride + column, n);
  });
}

void gate_mul(const GateTask& t, const Worker& worker) {
  const auto kernel = t.gate == Gate::Silu ? kernels(t.isa).silu_mul : kernels(t.isa).gelu_mul;
  share_pieces(t.rows, t.columns, worker, [&](int row, int column, int n) {
    const size_t r = (size_t)row, c = (size_t)column;
    kernel(t.g + r * t.g_stride + c, t.u + r * t.u_stride + c, t.out + r * t.out_stride + c, n);
  });
}

void rope_angles(double* angle, int rope_dims, double freq_base, double linear_scale, const float* factors) {
  for (int i = 0; i < rope_dims / 2; i++)
    angle[i] = linear_scale * std::pow(freq_base, -2.0 * i / rope_dims) / (factors ? (double)factors[i] : 1.0);
}

void rope_table(float* table, const double* angle, int rope_dims, const int32_t* position, int rows, const Worker& worker) {
  const int half = rope_dims / 2;
  share(rows, worker, [&](int row) {
    float* t = table + (size_t)row * rope_dims;
    for (int i = 0; i < half; i++) {
      const double a = angle[i] * position[row];
      t[i] = (float)std::cos(a);
      t[half + i] = (float)std::sin(a);
    }
  });
}

// A token's key within its block.
template <class T> static void scatter(const T* from, size_t dim, T* to) {
  for (size_t d = 0; d < dim; d++) to[d * kKeyBlock] = from[d];
}

void rope_store(const RopeStoreTask& t, const Worker& worker) {
  const OpsKernels& k = kernels(t.isa);
  const auto rope = t.style == RopeStyle::Norm ? k.rope_norm : k.rope_neox;
  const int half = t.rope_dims / 2, heads = t.q_heads + t.kv_heads;
  const size_t dim = (size_t)t.head_dim, element = t.cache_f32 ? 4 : 2;
  // Head by head: tokens of one block write the same lines, which two threads should not do at once.
  share(t.rows * heads, worker, [&](int unit) {
    const size_t row = (size_t)(unit % t.rows), head = (size_t)(unit / t.rows);
    const float* cos = t.table + row * (size_t)t.rope_dims;
    if (head < (size_t)t.q_heads) {
      float* q = t.q + row * t.q_stride + head * dim;
      rope(q, cos, cos + half, half, q);
      return;
    }
    const size_t kv = head - (size_t)t.q_heads;
    const float* v = t.v + row * t.v_stride + kv * dim;
    uint8_t* k_out = t.key[row] + t.k_offset + kv * dim * element * kKeyBlock;
    uint8_t* v_out = t.value[row] + t.v_offset + kv * dim * element;
    float rotated[1024];
    memcpy(rotated, t.k + row * t.k_stride + kv * dim, dim * 4);
    rope(rotated, cos, cos + half, half, rotated);
    if (t.cache_f32) {
      scatter(rotated, dim, (float*)k_out);
      memcpy(v_out, v, dim * 4);
    } else {
      uint16_t half_precision[1024];
      k.f32_to_f16(rotated, half_precision, dim);
      scatter(half_precision, dim, (uint16_t*)k_out);
      k.f32_to_f16(v, (uint16_t*)v_out, dim);
    }
  });
}

void f16_to_f32_row(Isa isa, const uint16_t* in, float* out, size_t n) { kernels(isa).f16_to_f32(in, out, n); }
void f32_to_f16_row(Isa isa, const float* in, uint16_t* out, size_t n) { kernels(isa).f32_to_f16(in, out, n); }

}  // namespace triptych
