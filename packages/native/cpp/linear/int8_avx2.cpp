// Int8 kernels for AVX2 without VNNI. No instruction multiplies signed bytes by signed bytes without losing sums, so
//   Q8_0 is widened to int16 on the way from memory and multiplied by int16 activations (vpmaddwd, 16 products);
//   Q4_0 (0..15, unsigned) goes through vpmaddubsw (32 products): the 16 of a block that meet in one int16 come to 30480 at
//        most.
#include "linear/int8_sums_avx2.h"

namespace triptych {
namespace {

// The activations' blocks, see layout.h: what all instruction sets have, then from kWordsOffset a row on those of Q8_0.
constexpr size_t kWordsOffset = kInt8ActivationBytes;

TRIPTYCH_INLINE __m256i widen(const uint8_t* w) { return _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i*)w)); }
TRIPTYCH_INLINE __m256i broadcast8(const uint8_t* p) { int64_t v; memcpy(&v, p, 8); return _mm256_set1_epi64x(v); }

// C times 8 columns of a block at w (their 4 k of one group lie together, groups 128 bytes apart), x: [rows][32 int16]. Each
// column has two sums, of k 0, 1 and of k 2, 3; adding them leaves columns in the order 0 1 4 5 2 3 6 7, in which `sums` holds
// them. fetch(g), g = 0..7, comes between the products.
template <int R, int C, class FetchPart>
TRIPTYCH_INLINE void block_q8(const uint8_t* w, const uint8_t* scales, const uint8_t* x, const float* scale, const float* shift,
                              float* sums, FetchPart fetch) {
  __m256i a[R][2 * C];
#pragma GCC unroll 6
  for (int r = 0; r < R; r++)
#pragma GCC unroll 8
    for (int c = 0; c < 2 * C; c++) a[r][c] = _mm256_set1_epi64x(kMagicBits);
#pragma GCC unroll 8
  for (int g = 0; g < 8; g++) {
    fetch(g);
    if constexpr (C == 1) {  // both weights in registers, one broadcast at a time: six rows leave no more
      const __m256i w0 = widen(w + g * 128), w1 = widen(w + g * 128 + 16);
#pragma GCC unroll 6
      for (int r = 0; r < R; r++) {
        const __m256i xb = broadcast8(x + r * 64 + g * 8);
        a[r][0] = now(_mm256_add_epi32(a[r][0], _mm256_madd_epi16(xb, w0)));
        a[r][1] = now(_mm256_add_epi32(a[r][1], _mm256_madd_epi16(xb, w1)));
      }
    } else {
      __m256i xb[R];
#pragma GCC unroll 6
      for (int r = 0; r < R; r++) xb[r] = broadcast8(x + r * 64 + g * 8);
#pragma GCC unroll 8
      for (int c = 0; c < 2 * C; c++) {
        const __m256i wc = widen(w + g * 128 + c * 16);
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) a[r][c] = now(_mm256_add_epi32(a[r][c], _mm256_madd_epi16(xb[r], wc)));
      }
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < C; c++) {
    __m256i whole[R];
#pragma GCC unroll 6
    for (int r = 0; r < R; r++) {
      const __m256 a0 = _mm256_castsi256_ps(a[r][2 * c]), a1 = _mm256_castsi256_ps(a[r][2 * c + 1]);
      const __m256 even = _mm256_shuffle_ps(a0, a1, 0x88), odd = _mm256_shuffle_ps(a0, a1, 0xdd);
      whole[r] = _mm256_add_epi32(_mm256_castps_si256(even), _mm256_castps_si256(odd));
    }
    const __m128i halves = _mm_shuffle_epi32(_mm_load_si128((const __m128i*)scales + c), 0xd8);
    add_scaled<R>(whole, scale, shift, _mm256_cvtph_ps(halves), sums + c * 8);
  }
}

// C times 8 columns of a block, x: [rows][32 int8]; fetch(g), g = 0..3.
template <int R, int C, class FetchPart>
TRIPTYCH_INLINE void block_q4(const uint8_t* w, const uint8_t* scales, const uint8_t* x, const float* scale, const float* shift,
                              const int32_t* start, float* sums, FetchPart fetch) {
  const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
  __m256i a[R][C];
#pragma GCC unroll 6
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) a[r][c] = _mm256_setzero_si256();
#pragma GCC unroll 4
  for (int g = 0; g < 4; g++) {
    fetch(g);
    __m256i v[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) v[c] = _mm256_load_si256((const __m256i*)(w + g * 128 + c * 32));
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
      __m256i wc[C];
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) {
        wc[c] = _mm256_and_si256(v[c], low);
        v[c] = _mm256_srli_epi16(v[c], 4);
      }
#pragma GCC unroll 6
      for (int r = 0; r < R; r++) {
        const __m256i xb = broadcast4(x + r * 32 + half * 16 + g * 4);
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) a[r][c] = now(_mm256_add_epi16(a[r][c], _mm256_maddubs_epi16(wc[c], xb)));
      }
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < C; c++) {
    __m256i whole[R];
#pragma GCC unroll 6
    for (int r = 0; r < R; r++) whole[r] = _mm256_add_epi32(_mm256_madd_epi16(a[r][c], ones), _mm256_set1_epi32(start[r]));
    add_scaled<R>(whole, scale, shift, _mm256_cvtph_ps(_mm_load_si128((const __m128i*)scales + c)), sums + c * 8);
  }
}

struct Set {
  static constexpr size_t kActivationBytes = kMostInt8ActivationBytes;
  template <Format F> static constexpr size_t kFrom = F == kQ8 ? kWordsOffset : 0;
  template <Format F> static constexpr size_t kRead = F == kQ8 ? kActivationBytes - kWordsOffset : kInt8ActivationBytes;
  // All four are slower than two: 25 for 45 products a nanosecond with one row.
  template <int R, Format F> static constexpr int kWide = R <= 3 || F == kQ4 ? 2 : 1;

  template <int R, Format F, int C, class Step>
  TRIPTYCH_INLINE static void block(const uint8_t* w, const uint8_t* scales, const uint8_t* data, int group, int row, float* sums,
                                    Step step) {
    const float* scale = (const float*)(data + group * (F == kQ8 ? kWordsOffset : 32)) + row;
    const float* shift = scale + group;
    if constexpr (F == kQ8) block_q8<R, C>(w, scales, data + group * (kWordsOffset + 8) + row * 64, scale, shift, sums, step);
    else block_q4<R, C>(w, scales, data + row * 32, scale, shift, (const int32_t*)(data + group * 44) + row, sums, step);
  }

  template <Format F> static __m256 in_order(__m256 v) {
    return F == kQ8 ? _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(v), 0xd8)) : v;
  }
};

#include "linear/int8_tiles_avx2.inl"

}  // namespace

const LinearKernels kLinearAvx2{quantize_avx2, int8_panels, float_panels_avx2, Set::kActivationBytes};

}  // namespace triptych
