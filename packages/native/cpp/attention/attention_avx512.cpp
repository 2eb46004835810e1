#include "attention/attention_kernels.h"
#include "attention/transpose_avx512.h"
#include "ops/vec_avx512.h"

namespace triptych {
namespace {

constexpr int kRowTile = 8;
constexpr int kDimMultiple = 32;
inline int padded_dims(int head_dim) { return (head_dim + kDimMultiple - 1) / kDimMultiple * kDimMultiple; }

template <class T> void pack_k_sub(const uint8_t* source, size_t stride, int tokens, int head_dim, float* out, PrefetchCursor& cursor);

template <> void pack_k_sub<uint16_t>(const uint8_t* source, size_t stride, int tokens, int head_dim, float* out, PrefetchCursor& cursor) {
  alignas(64) uint16_t t[32 * 16];
  const int padded = padded_dims(head_dim);
  for (int d = 0; d < padded; d += 32) {
    const int left = head_dim - d;
    transpose_f16(source + d * 2, stride, tokens, left >= 32 ? 0xffffffffu : (1u << left) - 1, t);
#pragma GCC unroll 8
    for (int i = 0; i < 32; i += 2) {
      cursor.fetch(1);
      Vec::load(t + i * 16).store(out + (d + i) * 16);
      Vec::load(t + i * 16 + 16).store(out + (d + i) * 16 + 16);
    }
  }
}

template <> void pack_k_sub<float>(const uint8_t* source, size_t stride, int tokens, int head_dim, float* out, PrefetchCursor& cursor) {
  const int padded = padded_dims(head_dim);
  for (int d = 0; d < padded; d += 16) {
    const int left = head_dim - d;
    cursor.fetch(8);
    __m512 r[16];
    transpose_f32(source + d * 4, stride, tokens, left >= 16 ? 0xffff : left > 0 ? (__mmask16)((1u << left) - 1) : 0, r);
    for (int i = 0; i < 16; i++) _mm512_storeu_ps(out + packed_dim(d + i) * 16, r[i]);
  }
}

}  // namespace
}  // namespace triptych

#include "attention/attention_kernels.inl"

namespace triptych {
namespace {

// A single row tile uses each cached value once per row, so K and V are not expanded to f32 in memory: a conversion with
// its load runs beside the multiply-adds, a 512-bit store takes a slot from them (Zen 5). K is transposed as f16, V is
// read where it lies. The chains of multiply-adds are those of score() and value().
//
// What comes next is fetched a few lines at a time in every part, all in all the tile's share of K and V (with 64 dims): memory
// is idle while nothing asks for it (6% of the time on Emerald Rapids when transposing and the softmax fetched nothing).
constexpr int kAhead = 12;        // lines per 16 dims of two sub-tiles' scores, and per 32 dims of a sub-tile of V
constexpr int kAheadOfBlock = 8;  // before 16 tokens x 32 dims are transposed
constexpr int kAheadOfRow = 4;    // before the softmax of a row

// K of 2 * kSubTile tokens, to be transposed between multiply-adds: padded / 16 blocks of 16 tokens x 32 dims.
struct Turn {
  const uint8_t* const* sub;
  size_t stride;
  uint16_t* out;
  int padded;

  TransposeF16 block(int i) const {
    const int per_sub = padded / 32, d = i % per_sub * 32;
    return {sub[i / per_sub] + d * 2, stride, out + (i / per_sub * padded + d) * kSubTile};
  }
};

TRIPTYCH_STEP void prefetch_line(const PrefetchCursor::Lines& ahead, int i) { __builtin_prefetch(ahead.from[i % 4] + i / 4 * 64, 0, 2); }

// Scores of 2 * kSubTile tokens; meanwhile transposes those of `turn`, if there is one.
template <int R, bool kTurn>
TRIPTYCH_STEP void score_pair(const float* q, const uint16_t* k0, const uint16_t* k1, float* s, int padded, const Turn& turn,
                              PrefetchCursor& cursor) {
  Vec c[R][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) c[r][0] = c[r][1] = Vec::zero();
  const auto dims = [&](int d) __attribute__((always_inline)) {
#pragma GCC unroll 2
    for (int i = d; i < d + 2; i++) {
      const Vec x0 = Vec::load(k0 + i * kSubTile), x1 = Vec::load(k1 + i * kSubTile);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        const Vec x = Vec::set(q[i * kRowTile + r]);
        c[r][0] = Vec::fma(x, x0, c[r][0]);
        c[r][1] = Vec::fma(x, x1, c[r][1]);
      }
    }
  };
  for (int d = 0; d < padded; d += 16) {
    const auto ahead = cursor.take(kAhead / 4);
    TransposeF16 block = kTurn ? turn.block(d / 16) : TransposeF16{nullptr, 0, nullptr};
    const auto part = [&]<int i>() __attribute__((always_inline)) {
      if constexpr (2 * i < kAhead) prefetch_line(ahead, 2 * i), prefetch_line(ahead, 2 * i + 1);
      dims(d + 2 * i);
      if constexpr (kTurn) block.step<i, true>();
    };
    part.template operator()<0>(), part.template operator()<1>(), part.template operator()<2>(), part.template operator()<3>();
    part.template operator()<4>(), part.template operator()<5>(), part.template operator()<6>(), part.template operator()<7>();
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    c[r][0].store(s + r * kTile);
    c[r][1].store(s + r * kTile + kSubTile);
  }
}

// 32 dims from h on, of which `left` exist; all of them if kWhole.
template <int R, bool kWhole>
void value_dims(const AttendArgs& a, const uint8_t* const* sub, size_t stride, int h, int left, int row, PrefetchCursor& cursor) {
    float* o = a.state + row * a.padded + h;
    const __mmask16 first = left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
    const __mmask16 second = left >= 32 ? 0xffff : left > 16 ? (__mmask16)((1u << (left - 16)) - 1) : 0;
    Vec c[R][2];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) c[r][0] = Vec::load(o + r * a.padded), c[r][1] = Vec::load(o + r * a.padded + 16);
    for (int t0 = 0; t0 < a.tokens; t0 += kSubTile) {
      const uint8_t* v = sub[t0 / kSubTile] + (size_t)h * 2;
      const float* p = a.scores + row * kTile + t0;
      const int count = a.tokens - t0 < kSubTile ? a.tokens - t0 : kSubTile;
      const auto ahead = cursor.take(kAhead / 4);
#pragma GCC unroll 2
      for (int t = 0; t < count; t++, v += stride, p++) {
        if (t < kAhead) prefetch_line(ahead, t);
        const Vec x0 = kWhole ? Vec::load((const uint16_t*)v) : Vec{_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first, v))};
        const Vec x1 = kWhole ? Vec::load((const uint16_t*)v + 16) : Vec{_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(second, v + 32))};
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
          const Vec x = Vec::set(p[r * kTile]);
          c[r][0] = Vec::fma(x, x0, c[r][0]);
          c[r][1] = Vec::fma(x, x1, c[r][1]);
        }
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) c[r][0].store(o + r * a.padded), c[r][1].store(o + r * a.padded + 16);
}

template <int R> void value_halves(const AttendArgs& a, const uint8_t* const* sub, size_t stride, int head_dim, int row, PrefetchCursor& cursor) {
  for (int h = 0; h < head_dim; h += 32) {
    if (head_dim - h >= 32) value_dims<R, true>(a, sub, stride, h, 32, row, cursor);
    else value_dims<R, false>(a, sub, stride, h, head_dim - h, row, cursor);
  }
}

void transpose_sub(const uint8_t* source, size_t stride, int tokens, int head_dim, uint16_t* out, PrefetchCursor& cursor) {
  for (int d = 0; d < padded_dims(head_dim); d += 32) {
    const int left = head_dim - d;
    cursor.fetch(kAheadOfBlock);
    transpose_f16(source + d * 2, stride, tokens, left >= 32 ? 0xffffffffu : (1u << left) - 1, out + d * kSubTile);
  }
}

void attend_packing(const AttendArgs& a, const uint8_t* const* k_sub, const uint8_t* const* v_sub, size_t stride, int head_dim, float* packed,
                    PrefetchCursor& cursor) {
  uint16_t* k = (uint16_t*)packed;
  const int sub = a.padded * kSubTile;
  const bool whole = a.tokens == kTile && head_dim == a.padded && a.rows > kRowTile / 2;
  for (int i = 0; i * kSubTile < (whole ? 2 * kSubTile : a.tokens); i++)
    transpose_sub(k_sub[i], stride, a.tokens - i * kSubTile < kSubTile ? a.tokens - i * kSubTile : kSubTile, head_dim, k + i * sub, cursor);
  if (whole) {
    score_pair<kRowTile, true>(a.q, k, k + sub, a.scores, a.padded, {k_sub + 2, stride, k + 2 * sub, a.padded}, cursor);
    score_pair<kRowTile, false>(a.q, k + 2 * sub, k + 3 * sub, a.scores + 2 * kSubTile, a.padded, {}, cursor);
  } else {
    cover<kRowTile>(0, a.rows, true, [&]<int R>(int row) {
      for (int t = 0; t < a.tokens; t += 2 * kSubTile)
        score_pair<R, false>(a.q + row, k + t * a.padded, k + t * a.padded + sub, a.scores + row * kTile + t, a.padded, {}, cursor);
    });
  }
  float* l = a.state + kRowTile * a.padded;
  for (int r = 0; r < a.rows; r++) {
    cursor.fetch(kAheadOfRow);
    softmax_row(a.scores + r * kTile, a.tokens, a.state + r * a.padded, l + r * 16, l + kRowTile * 16 + r, a.padded);
  }
  cover<kRowTile>(0, a.rows, true, [&]<int R>(int row) { value_halves<R>(a, v_sub, stride, head_dim, row, cursor); });
}

constexpr AttentionKernels kKernels = kernel_table(attend_packing);

}  // namespace

const AttentionKernels& attention_kernels_avx512() { return kKernels; }
}  // namespace triptych
