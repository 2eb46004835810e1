// Quantises activations with AVX2; the same numbers as the other instruction sets, and for AVX2 without VNNI the bytes once
// more as int16, which Q8_0 takes there (layout.h).
#include <immintrin.h>
#include <string.h>

#include "linear/block_numbers.h"
#include "linear/kernels.h"

namespace triptych {
namespace {

template <bool kWords>
void quantize(const float* x, int block0, int block1, uint8_t* group, int group_rows, int r) {
  const __m256i magnitude_mask = _mm256_set1_epi32(0x7fffffff);
  for (int b = block0; b < block1; b++) {
    uint8_t* out = group + (size_t)b * (size_t)group_rows * (kWords ? kMostInt8ActivationBytes : kInt8ActivationBytes);
    __m256 v[4];
    __m256i m = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      v[i] = x ? _mm256_loadu_ps(x + b * kBlock + i * 8) : _mm256_setzero_ps();
      m = _mm256_max_epu32(m, _mm256_and_si256(_mm256_castps_si256(v[i]), magnitude_mask));
    }
    __m128i m4 = _mm_max_epu32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
    m4 = _mm_max_epu32(m4, _mm_shuffle_epi32(m4, 0x4e));
    m4 = _mm_max_epu32(m4, _mm_shuffle_epi32(m4, 0xb1));
    const auto [scale, inverse] = block_scale((uint32_t)_mm_cvtsi128_si32(m4));
    __m256i i32[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    if (inverse != 0.0f) {
      const __m256 f = _mm256_set1_ps(inverse);
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) i32[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], f));
    }
    __m256i s = _mm256_add_epi32(_mm256_add_epi32(i32[0], i32[1]), _mm256_add_epi32(i32[2], i32[3]));
    __m128i s4 = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    s4 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0x4e));
    s4 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0xb1));
    const __m256i w0 = _mm256_packs_epi32(i32[0], i32[1]), w1 = _mm256_packs_epi32(i32[2], i32[3]);
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(w0, w1), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256((__m256i*)(out + r * 32), bytes);
    const int32_t sum = _mm_cvtsi128_si32(s4);
    put_block_numbers(out, group_rows, r, scale, sum);
    if constexpr (!kWords) continue;
    const float shift = -kMagic * scale;
    memcpy(out + group_rows * 48 + r * 4, &scale, 4);
    memcpy(out + group_rows * 52 + r * 4, &shift, 4);
    __m256i* words = (__m256i*)(out + group_rows * 56 + r * 64);
    _mm256_storeu_si256(words, _mm256_permute4x64_epi64(w0, 0xd8));
    _mm256_storeu_si256(words + 1, _mm256_permute4x64_epi64(w1, 0xd8));
  }
}

}  // namespace

void quantize_avx2(const float* x, int block0, int block1, uint8_t* group, int group_rows, int r) {
  quantize<true>(x, block0, block1, group, group_rows, r);
}
void quantize_avxvnni(const float* x, int block0, int block1, uint8_t* group, int group_rows, int r) {
  quantize<false>(x, block0, block1, group, group_rows, r);
}

}  // namespace triptych
