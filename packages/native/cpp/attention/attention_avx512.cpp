#include "attention/attention_kernels.h"
#include "ops/vec_avx512.h"

namespace triptych {
namespace {
constexpr int kRowTile = 8;
constexpr int kDimMultiple = 32;
}  // namespace
}  // namespace triptych

#include "attention/attention_kernels.inl"

namespace triptych {
namespace {

// A single row tile uses each cached number once per row, so K and V are not packed but read where they lie: a conversion with
// its load runs beside the multiply-adds, a 512-bit store takes a slot from them (Zen 5). The chains of multiply-adds are those
// of score() and value().
//
// What comes next is fetched a line at a time, of f16 one per dim of two sub-tiles' scores and one per token of 32 columns: the
// tile's share of K and V.
constexpr int kAhead = 16;

// Number i of kAhead.
template <class T> TRIPTYCH_INLINE void prefetch_part(const PrefetchCursor::Lines& ahead, int i) {
#pragma GCC unroll 2
  for (size_t line = 0; line < sizeof(T) / 2; line++) __builtin_prefetch(ahead.from[i % 4] + (i / 4 + 4 * line) * 64, 0, 2);
}
template <class T> PrefetchCursor::Lines take(PrefetchCursor& cursor) { return cursor.take(kAhead / 4 * (int)(sizeof(T) / 2)); }

// Adds kDims dims to the scores of two sub-tiles. Written out: the compiler then schedules the loads ahead.
template <int R, int kDims, class T>
TRIPTYCH_INLINE void score_dims(Vec (&c)[R][2], const float* q, const T* k0, const T* k1, const PrefetchCursor::Lines& ahead) {
#pragma GCC unroll 16
  for (int i = 0; i < kDims; i++) {
    prefetch_part<T>(ahead, i);
    const Vec x0 = Vec::load(k0 + i * kSubTile), x1 = Vec::load(k1 + i * kSubTile);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const Vec x = Vec::set(q[i * kRowTile + r]);
      c[r][0] = Vec::fma(x, x0, c[r][0]);
      c[r][1] = Vec::fma(x, x1, c[r][1]);
    }
  }
}

// Scores of two sub-tiles. Lanes of tokens that are not there hold anything: the softmax leaves them out.
template <int R, class T> void score_pair(const float* q, const T* k0, const T* k1, float* s, int head_dim, PrefetchCursor& cursor) {
  Vec c[R][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) c[r][0] = c[r][1] = Vec::zero();
  int d = 0;
  for (; d + 16 <= head_dim; d += 16) score_dims<R, 16>(c, q + d * kRowTile, k0 + d * kSubTile, k1 + d * kSubTile, take<T>(cursor));
  if (d < head_dim) {  // a head has a multiple of eight dims
    cursor.fetch(kAhead / 2 * (int)(sizeof(T) / 2));
    score_dims<R, 8>(c, q + d * kRowTile, k0 + d * kSubTile, k1 + d * kSubTile, cursor.nothing());
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    c[r][0].store(s + r * kTile);
    c[r][1].store(s + r * kTile + kSubTile);
  }
}

template <int R, class T> void score_in_place(const AttendArgs& a, const uint8_t* const* sub, int head_dim, int row, PrefetchCursor& cursor) {
  for (int i = 0; i * kSubTile < a.tokens; i += 2)
    score_pair<R>(a.q + row, (const T*)sub[i], (const T*)sub[i + 1], a.scores + row * kTile + i * kSubTile, head_dim, cursor);
}

// 32 dims from h on, of which `left` exist; all of them if kWhole.
template <int R, bool kWhole, class T>
void value_dims(const AttendArgs& a, const uint8_t* const* sub, size_t stride, int h, int left, int row, PrefetchCursor& cursor) {
  float* o = a.state + row * a.padded + h;
  const int first = left < 16 ? left : 16, second = left - first < 16 ? left - first : 16;
  Vec c[R][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) c[r][0] = Vec::load(o + r * a.padded), c[r][1] = Vec::load(o + r * a.padded + 16);
  for (int t0 = 0; t0 < a.tokens; t0 += kSubTile) {
    const uint8_t* at = sub[t0 / kSubTile] + (size_t)h * sizeof(T);
    const float* p = a.scores + row * kTile + t0;
    const int count = a.tokens - t0 < kSubTile ? a.tokens - t0 : kSubTile;
    const auto ahead = take<T>(cursor);
#pragma GCC unroll 2
    for (int t = 0; t < count; t++, at += stride, p++) {
      prefetch_part<T>(ahead, t);
      const T* v = (const T*)at;
      const Vec x0 = kWhole ? Vec::load(v) : Vec::load_first(v, first), x1 = kWhole ? Vec::load(v + 16) : Vec::load_first(v + 16, second);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        const Vec x = Vec::set(p[r * kTile]);
        c[r][0] = Vec::fma(x, x0, c[r][0]);
        c[r][1] = Vec::fma(x, x1, c[r][1]);
      }
    }
    for (int t = count; t < kAhead; t++) prefetch_part<T>(ahead, t);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) c[r][0].store(o + r * a.padded), c[r][1].store(o + r * a.padded + 16);
}

template <int R, class T>
void value_in_place(const AttendArgs& a, const uint8_t* const* sub, size_t stride, int head_dim, int row, PrefetchCursor& cursor) {
  for (int h = 0; h < head_dim; h += 32) {
    if (head_dim - h >= 32) value_dims<R, true, T>(a, sub, stride, h, 32, row, cursor);
    else value_dims<R, false, T>(a, sub, stride, h, head_dim - h, row, cursor);
  }
}

template <class T>
void attend(const AttendArgs& a, const uint8_t* const* k_sub, const uint8_t* const* v_sub, size_t stride, int head_dim, float*,
            PrefetchCursor& cursor) {
  cover<kRowTile>(0, a.rows, true, [&]<int R>(int row) { score_in_place<R, T>(a, k_sub, head_dim, row, cursor); });
  float* l = a.state + kRowTile * a.padded;
  for (int r = 0; r < a.rows; r++)
    softmax_row(a.scores + r * kTile, a.tokens, a.state + r * a.padded, l + r * 16, l + kRowTile * 16 + r, a.padded);
  cover<kRowTile>(0, a.rows, true, [&]<int R>(int row) { value_in_place<R, T>(a, v_sub, stride, head_dim, row, cursor); });
}

constexpr AttentionKernels kKernels = kernel_table(attend<uint16_t>, attend<float>);

}  // namespace

const AttentionKernels& attention_kernels_avx512() { return kKernels; }
}  // namespace triptych
