// The parts of attention that all kernel sets share, in terms of Vec: running softmax of a row, chunk records.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "attention/attention_kernels.h"
#include "ops/vec_math.inl"

namespace triptych {
namespace {

constexpr float kLowest = -1e30f;
// The running maximum only follows when a score passes it by this much (log2): weights then stay below 2^8, harmless
// in f32, and O is almost never rescaled.
constexpr float kSlack = 8.0f;

inline void reset_state(float* state, int row_tile, int padded) {
  memset(state, 0, state_floats(row_tile, padded) * sizeof(float));
  float* m = state + (size_t)row_tile * (size_t)(padded + 16);
  for (int r = 0; r < row_tile; r++) m[r] = kLowest;
}

// The running maximum of a row, raised to `top` (its lanes): what was summed up so far shrinks.
inline void raise_maximum(Vec top, float* __restrict o, float* __restrict l, float* __restrict m, int padded) {
  const float raised = top.max_lane();
  if (*m > kLowest) {  // else nothing that counts was summed up yet
    const Vec shrink = exp2_vec(Vec::set(*m - raised));
    for (int d = 0; d < padded; d += Vec::kLanes) (Vec::load(o + d) * shrink).store(o + d);
    (Vec::load(l) * shrink).store(l);
  }
  *m = raised;
}

// Scores (log2 units) of whole tiles -> weights, in place, of N rows that do not wait for each other.
template <int N>
inline void softmax_whole(float* __restrict s, float* __restrict o, float* __restrict l, float* __restrict m, int padded) {
#pragma GCC unroll 4
  for (int r = 0; r < N; r++) {
    Vec top = Vec::load(s + r * kTile);
#pragma GCC unroll 8
    for (int i = Vec::kLanes; i < kTile; i += Vec::kLanes) top = Vec::max(top, Vec::load(s + r * kTile + i));
    if (__builtin_expect(Vec::any_greater(top, Vec::set(m[r] + kSlack)), 0)) raise_maximum(top, o + r * padded, l + r * 16, m + r, padded);
  }
  Vec sum[N];
#pragma GCC unroll 4
  for (int r = 0; r < N; r++) sum[r] = Vec::load(l + r * 16);
#pragma GCC unroll 8
  for (int i = 0; i < kTile; i += Vec::kLanes)
#pragma GCC unroll 4
    for (int r = 0; r < N; r++) {
      const Vec p = exp2_upto127(Vec::load(s + r * kTile + i) - Vec::set(m[r]));  // kSlack at most
      p.store(s + r * kTile + i);
      sum[r] = sum[r] + p;
    }
#pragma GCC unroll 4
  for (int r = 0; r < N; r++) sum[r].store(l + r * 16);
}

// The same of one row of `n` tokens; lanes from n to the next multiple of kLanes become 0.
inline void softmax_row(float* __restrict s, int n, float* __restrict o, float* __restrict l, float* __restrict m, int padded) {
  if (n == kTile) return softmax_whole<1>(s, o, l, m, padded);
  const int vectors = (n + Vec::kLanes - 1) / Vec::kLanes, last = n - (vectors - 1) * Vec::kLanes;
  float* tail = s + (vectors - 1) * Vec::kLanes;
  if (last != Vec::kLanes) Vec::first_or(Vec::load(tail), last, Vec::set(kLowest)).store(tail);
  Vec top = Vec::load(s);
  for (int i = 1; i < vectors; i++) top = Vec::max(top, Vec::load(s + i * Vec::kLanes));
  if (__builtin_expect(Vec::any_greater(top, Vec::set(*m + kSlack)), 0)) raise_maximum(top, o, l, m, padded);
  const Vec limit = Vec::set(*m);
  Vec sum = Vec::load(l);
  for (int i = 0; i < vectors; i++) {
    Vec p = exp2_upto127(Vec::load(s + i * Vec::kLanes) - limit);
    if (i == vectors - 1 && last != Vec::kLanes) p = Vec::first_or(p, last, Vec::zero());
    p.store(s + i * Vec::kLanes);
    sum = sum + p;
  }
  sum.store(l);
}

inline void close_row(const float* state, int row_tile, int row, int padded, float* record) {
  memcpy(record, state + (size_t)row * (size_t)padded, (size_t)padded * sizeof(float));
  const float* l = state + (size_t)row_tile * (size_t)padded;
  record[padded] = l[(size_t)row_tile * 16 + (size_t)row];
  record[padded + 1] = Vec::load(l + (size_t)row * 16).sum();
}

inline void merge_records(float* record, const float* next, int padded) {
  const float m = record[padded] > next[padded] ? record[padded] : next[padded];
  const Vec a = exp2_vec(Vec::set(record[padded] - m)), b = exp2_vec(Vec::set(next[padded] - m));
  for (int d = 0; d < padded; d += Vec::kLanes)
    Vec::fma(Vec::load(next + d), b, Vec::load(record + d) * a).store(record + d);
  float l[Vec::kLanes];
  Vec::fma(Vec::set(next[padded + 1]), b, Vec::set(record[padded + 1]) * a).store(l);
  record[padded] = m;
  record[padded + 1] = l[0];
}

inline void finish_row(const float* record, int head_dim, int padded, float* out) {
  const Vec scale = Vec::set(1.0f / record[padded + 1]);
  int d = 0;
  for (; d + Vec::kLanes <= head_dim; d += Vec::kLanes) (Vec::load(record + d) * scale).store(out + d);
  if (d < head_dim) (Vec::load(record + d) * scale).store_first(out + d, head_dim - d);
}

}  // namespace
}  // namespace triptych
