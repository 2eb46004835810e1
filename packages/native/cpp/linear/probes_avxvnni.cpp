// The AVX-VNNI probe; see probes_avx512.cpp.
#include <immintrin.h>

#include "linear/probe_kernels.h"

namespace triptych {

double probe_vnni_avxvnni(int iterations) {
  const __m256i x = _mm256_set1_epi8(1);
#define DECLARE(i) __m256i a##i = _mm256_setzero_si256();
#define STEP(i) a##i = _mm256_dpbusd_avx_epi32(a##i, x, x); asm volatile("" : "+x"(a##i));
  TWELVE(DECLARE)
  for (int i = 0; i < iterations; i++) { TWELVE(STEP) }
#undef DECLARE
#undef STEP
  return 12.0 * 64 * iterations;
}

}  // namespace triptych
