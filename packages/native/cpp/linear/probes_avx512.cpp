// AVX-512 probes. Twelve independent chains cover latency x ports; the empty asm keeps GCC from merging them.
#include <immintrin.h>

#include "linear/probe_kernels.h"

namespace triptych {

double probe_vnni_avx512(int iterations) {
  const __m512i x = _mm512_set1_epi8(1);
#define DECLARE(i) __m512i a##i = _mm512_setzero_si512();
#define STEP(i) a##i = _mm512_dpbusd_epi32(a##i, x, x); asm volatile("" : "+v"(a##i));
  TWELVE(DECLARE)
  for (int i = 0; i < iterations; i++) { TWELVE(STEP) }
#undef DECLARE
#undef STEP
  return 12.0 * 128 * iterations;
}

double probe_fma_avx512(int iterations) {
  const __m512 x = _mm512_set1_ps(1.0f);
#define DECLARE(i) __m512 a##i = _mm512_setzero_ps();
#define STEP(i) a##i = _mm512_fmadd_ps(x, x, a##i); asm volatile("" : "+v"(a##i));
  TWELVE(DECLARE)
  for (int i = 0; i < iterations; i++) { TWELVE(STEP) }
#undef DECLARE
#undef STEP
  return 12.0 * 32 * iterations;
}

uint64_t probe_read_avx512(const uint8_t* p, size_t bytes) {
  __m512i a = _mm512_setzero_si512(), b = a;
  size_t i = 0;
  for (; i + 1024 <= bytes; i += 1024) {
#pragma GCC unroll 16
    for (int l = 0; l < 16; l++) _mm_prefetch((const char*)p + i + 4096 + l * 64, _MM_HINT_T1);
#pragma GCC unroll 8
    for (int l = 0; l < 16; l += 2) {
      a = _mm512_or_si512(a, _mm512_loadu_si512(p + i + l * 64));
      b = _mm512_or_si512(b, _mm512_loadu_si512(p + i + l * 64 + 64));
    }
  }
  for (; i + 64 <= bytes; i += 64) a = _mm512_or_si512(a, _mm512_loadu_si512(p + i));
  return (uint64_t)_mm512_reduce_or_epi64(_mm512_or_si512(a, b));
}

}  // namespace triptych
