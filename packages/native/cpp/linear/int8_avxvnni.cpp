// Int8 kernels for AVX-VNNI: vpdpbusd on 256-bit registers (Intel's client processors since Alder Lake). It wants unsigned
// weights: the sign bit of Q8_0 is flipped on the fly.
#include "linear/int8_sums_avx2.h"

namespace triptych {
namespace {

struct Set {
  static constexpr size_t kActivationBytes = kInt8ActivationBytes;
  template <Format F> static constexpr size_t kFrom = 0;
  template <Format F> static constexpr size_t kRead = kInt8ActivationBytes;
  template <int R, Format F> static constexpr int kWide = 2;

  template <int R, int C>
  TRIPTYCH_INLINE static void dots(__m256i (&a)[R][C], const __m256i (&w)[C], const uint8_t* x) {
#pragma GCC unroll 6
    for (int r = 0; r < R; r++) {
      const __m256i xb = broadcast4(x + r * 32);
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) a[r][c] = _mm256_dpbusd_avx_epi32(a[r][c], w[c], xb);
    }
  }

  template <int R, Format F, int C, class Step>
  TRIPTYCH_INLINE static void block(const uint8_t* w, const uint8_t* scales, const uint8_t* data, int group, int row, float* sums,
                                    Step step) {
    const float *scale = (const float*)(data + group * 32) + row, *shift = scale + group;
    const int32_t* start = (const int32_t*)(data + group * (F == kQ8 ? 40 : 44)) + row;
    const uint8_t* x = data + row * 32;
    __m256i a[R][C];
#pragma GCC unroll 6
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) a[r][c] = _mm256_set1_epi32(start[r]);
#pragma GCC unroll 8
    for (int g = 0; g < (F == kQ8 ? 8 : 4); g++) {
      step(g);
      __m256i v[C], wc[C];
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) v[c] = _mm256_load_si256((const __m256i*)(w + g * 128 + c * 32));
      if constexpr (F == kQ8) {
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) wc[c] = _mm256_xor_si256(v[c], _mm256_set1_epi8((char)0x80));
        dots<R, C>(a, wc, x + g * 4);
      } else {
        const __m256i low = _mm256_set1_epi8(15);
#pragma GCC unroll 2
        for (int half = 0; half < 2; half++) {
#pragma GCC unroll 4
          for (int c = 0; c < C; c++) {
            wc[c] = _mm256_and_si256(v[c], low);
            v[c] = _mm256_srli_epi16(v[c], 4);
          }
          dots<R, C>(a, wc, x + half * 16 + g * 4);
        }
      }
    }
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) {
      __m256i whole[R];
#pragma GCC unroll 6
      for (int r = 0; r < R; r++) whole[r] = a[r][c];
      add_scaled<R>(whole, scale, shift, _mm256_cvtph_ps(_mm_load_si128((const __m128i*)scales + c)), sums + c * 8);
    }
  }

  template <Format F> static __m256 in_order(__m256 v) { return v; }
};

#include "linear/int8_tiles_avx2.inl"

}  // namespace

const LinearKernels kLinearAvxVnni{quantize_avxvnni, int8_panels, float_panels_avx2};

}  // namespace triptych
