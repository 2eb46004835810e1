// AVX2 probes; see probes_avx512.cpp.
#include <immintrin.h>

#include "linear/probe_kernels.h"

#define TEN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)

namespace triptych {

double probe_fma_avx2(int iterations) {
  const __m256 x = _mm256_set1_ps(1.0f);
#define DECLARE(i) __m256 a##i = _mm256_setzero_ps();
#define STEP(i) a##i = _mm256_fmadd_ps(x, x, a##i); asm volatile("" : "+x"(a##i));
  TEN(DECLARE)
  for (int i = 0; i < iterations; i++) { TEN(STEP) }
#undef DECLARE
#undef STEP
  return 10.0 * 16 * iterations;
}

#define DECLARE(i) __m256i a##i = _mm256_setzero_si256();
#define STEP(i) \
  asm volatile("" : "+x"(w), "+x"(x)); \
  a##i = _mm256_add_epi32(a##i, _mm256_madd_epi16(x, w)); \
  asm volatile("" : "+x"(a##i));
double probe_int16_avx2(int iterations) {
  __m256i x = _mm256_set1_epi16(3), w = _mm256_set1_epi16(-2);
  TEN(DECLARE)
  for (int i = 0; i < iterations; i++) { TEN(STEP) }
  return 10.0 * 32 * iterations;
}
#undef STEP

#define STEP(i) \
  asm volatile("" : "+x"(w), "+x"(x)); \
  a##i = _mm256_add_epi16(a##i, _mm256_maddubs_epi16(w, x)); \
  asm volatile("" : "+x"(a##i));
double probe_int8_avx2(int iterations) {
  __m256i x = _mm256_set1_epi8(-3), w = _mm256_set1_epi8(2);
  TEN(DECLARE)
  for (int i = 0; i < iterations; i++) { TEN(STEP) }
  return 10.0 * 64 * iterations;
}
#undef DECLARE
#undef STEP

uint64_t probe_read_avx2(const uint8_t* p, size_t bytes) {
  __m256i a = _mm256_setzero_si256(), b = a;
  for (size_t i = 0; i + 64 <= bytes; i += 64) {
    _mm_prefetch((const char*)p + i + 4096, _MM_HINT_T1);
    a = _mm256_or_si256(a, _mm256_loadu_si256((const __m256i*)(p + i)));
    b = _mm256_or_si256(b, _mm256_loadu_si256((const __m256i*)(p + i + 32)));
  }
  a = _mm256_or_si256(a, b);
  const __m128i c = _mm_or_si128(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  return (uint64_t)(_mm_extract_epi64(c, 0) | _mm_extract_epi64(c, 1));
}

}  // namespace triptych
