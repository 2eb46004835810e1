// The AVX512-BF16 probe; see probes_avx512.cpp.
#include <immintrin.h>

#include "linear/probe_kernels.h"

namespace triptych {

double probe_bf16_avx512bf16(int iterations) {
  const __m512bh x = (__m512bh)_mm512_setzero_si512();
#define DECLARE(i) __m512 a##i = _mm512_setzero_ps();
#define STEP(i) a##i = _mm512_dpbf16_ps(a##i, x, x); asm volatile("" : "+v"(a##i));
  TWELVE(DECLARE)
  for (int i = 0; i < iterations; i++) { TWELVE(STEP) }
#undef DECLARE
#undef STEP
  return 12.0 * 64 * iterations;
}

}  // namespace triptych
