// What the int8 files of processors with 256-bit registers share: formats and the scaling of finished sums.
#pragma once
#include <immintrin.h>
#include <string.h>

#include <algorithm>

#include "linear/ahead.h"
#include "linear/kernels.h"

namespace triptych {
namespace {

enum Format { kQ8, kQ4 };
constexpr size_t bytes_of(Format f) { return f == kQ8 ? kQ8BlockBytes : kQ4BlockBytes; }

TRIPTYCH_INLINE __m256i broadcast4(const uint8_t* p) { int32_t v; memcpy(&v, p, 4); return _mm256_set1_epi32(v); }
// A sum that is made where it stands. GCC turns chains of integer additions into trees or puts them off, keeps the products
// on the stack meanwhile, and is slower by half.
TRIPTYCH_INLINE __m256i now(__m256i v) { asm volatile("" : "+x"(v)); return v; }

// Adds the finished integers (kMagicBits + dot, see layout.h) of R rows and 8 columns to their sums.
template <int R>
TRIPTYCH_INLINE void add_scaled(const __m256i (&a)[R], const float* scale, const float* shift, __m256 s, float* sums) {
  asm volatile("" ::: "memory");  // sums are read here and not before, when registers are short
#pragma GCC unroll 6
  for (int r = 0; r < R; r++) {
    const __m256 d = _mm256_fmadd_ps(_mm256_castsi256_ps(a[r]), _mm256_set1_ps(scale[r]), _mm256_set1_ps(shift[r]));
    _mm256_store_ps(sums + r * kPanel, _mm256_fmadd_ps(d, s, _mm256_load_ps(sums + r * kPanel)));
  }
}

}  // namespace
}  // namespace triptych
