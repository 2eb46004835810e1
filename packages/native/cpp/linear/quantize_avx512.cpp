// Activations to int8 with AVX-512: see layout.h for what is written.
#include <immintrin.h>
#include <string.h>

#include "linear/block_numbers.h"
#include "linear/kernels.h"

namespace triptych {

void quantize_avx512(const float* x, int block0, int block1, uint8_t* group, int group_rows, int r) {
  const __m512i magnitude_mask = _mm512_set1_epi32(0x7fffffff);
  const __m256i ones = _mm256_set1_epi8(1);
  for (int b = block0; b < block1; b++) {
    uint8_t* out = group + (size_t)b * (size_t)group_rows * kInt8ActivationBytes;
    const __m512 v0 = x ? _mm512_loadu_ps(x + b * kBlock) : _mm512_setzero_ps();
    const __m512 v1 = x ? _mm512_loadu_ps(x + b * kBlock + 16) : _mm512_setzero_ps();
    // As integers, so that NaN is larger than everything.
    const __m512i m = _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(v0), magnitude_mask),
                                       _mm512_and_si512(_mm512_castps_si512(v1), magnitude_mask));
    const auto [scale, inverse] = block_scale((uint32_t)_mm512_reduce_max_epu32(m));
    __m256i q = _mm256_setzero_si256();
    if (inverse != 0.0f) {
      const __m512 i = _mm512_set1_ps(inverse);
      const __m128i q0 = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(v0, i)));
      const __m128i q1 = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(v1, i)));
      q = _mm256_set_m128i(q1, q0);
    }
    _mm256_storeu_si256((__m256i*)(out + r * 32), q);
    const __m256i s = _mm256_dpbusd_epi32(_mm256_setzero_si256(), ones, q);
    __m128i s4 = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    s4 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0x4e));
    s4 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0xb1));
    const int32_t sum = _mm_cvtsi128_si32(s4);
    put_block_numbers(out, group_rows, r, scale, sum);
  }
}

}  // namespace triptych
