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
    if (tokens == 16 && left >= 32) transpose_f16(source + d * 2, stride, 16, 0xffffffffu, t);
    else transpose_f16(source + d * 2, stride, tokens, left >= 32 ? 0xffffffffu : (1u << left) - 1, t);
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

// Fetches lines between multiply-adds, as far as there are any.
inline void fetch_line(PrefetchCursor& cursor) {
  if (cursor.now.count > 0) cursor.fetch(1);
}

template <int R> void score_halves(const AttendArgs& a, const uint16_t* k, int row, int tokens, PrefetchCursor& ahead) {
  PrefetchCursor cursor = ahead;  // in registers
  const int sub = a.padded * kSubTile;
  for (int t = 0; t < tokens; t += 2 * kSubTile, k += 2 * sub) {
    const uint16_t *k0 = k, *k1 = k + sub;
    const float* q = a.q + row;
    Vec c[R][2];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) c[r][0] = c[r][1] = Vec::zero();
#pragma GCC unroll 2
    for (int d = 0; d < a.padded; d++) {
      fetch_line(cursor);
      const Vec x0 = Vec::load(k0 + d * kSubTile), x1 = Vec::load(k1 + d * kSubTile);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        const Vec x = Vec::set(q[d * kRowTile + r]);
        c[r][0] = Vec::fma(x, x0, c[r][0]);
        c[r][1] = Vec::fma(x, x1, c[r][1]);
      }
    }
    float* s = a.scores + row * kTile + t;
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      c[r][0].store(s + r * kTile);
      c[r][1].store(s + r * kTile + kSubTile);
    }
  }
  ahead = cursor;
}

// 32 dims from h on, of which `left` exist; all of them if kWhole.
template <int R, bool kWhole>
void value_dims(const AttendArgs& a, const uint8_t* const* sub, size_t stride, int h, int left, int row, PrefetchCursor& ahead) {
    PrefetchCursor cursor = ahead;
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
      for (int t = 0; t < count; t++, v += stride, p++) {
        fetch_line(cursor);
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
    ahead = cursor;
}

template <int R> void value_halves(const AttendArgs& a, const uint8_t* const* sub, size_t stride, int head_dim, int row, PrefetchCursor& cursor) {
  for (int h = 0; h < head_dim; h += 32) {
    if (head_dim - h >= 32) value_dims<R, true>(a, sub, stride, h, 32, row, cursor);
    else value_dims<R, false>(a, sub, stride, h, head_dim - h, row, cursor);
  }
}

void attend_packing(const AttendArgs& a, const uint8_t* const* k_sub, const uint8_t* const* v_sub, size_t stride, int head_dim, float* packed,
                    PrefetchCursor& cursor) {
  uint16_t* k = (uint16_t*)packed;
  for (int i = 0; i * kSubTile < a.tokens; i++) {
    const int here = a.tokens - i * kSubTile < kSubTile ? a.tokens - i * kSubTile : kSubTile;
    for (int d = 0; d < a.padded; d += 32) {
      const int left = head_dim - d;
      uint16_t* out = k + (i * a.padded + d) * kSubTile;
      if (here == kSubTile && left >= 32) transpose_f16(k_sub[i] + d * 2, stride, kSubTile, 0xffffffffu, out);
      else transpose_f16(k_sub[i] + d * 2, stride, here, left >= 32 ? 0xffffffffu : (1u << left) - 1, out);
    }
  }
  cover<kRowTile>(0, a.rows, true, [&]<int R>(int row) { score_halves<R>(a, k, row, a.tokens, cursor); });
  float* l = a.state + kRowTile * a.padded;
  for (int r = 0; r < a.rows; r++)
    softmax_row(a.scores + r * kTile, a.tokens, a.state + r * a.padded, l + r * 16, l + kRowTile * 16 + r, a.padded);
  cover<kRowTile>(0, a.rows, true, [&]<int R>(int row) { value_halves<R>(a, v_sub, stride, head_dim, row, cursor); });
}

constexpr AttentionKernels kKernels = kernel_table(attend_packing);

}  // namespace

const AttentionKernels& attention_kernels_avx512() { return kKernels; }
}  // namespace triptych
