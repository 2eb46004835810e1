// Stands in front of the compiler's immintrin.h in emulated builds: AVX-512 and VNNI intrinsics as SIMDe does them in AVX2, and the
// few that SIMDe 0.8 lacks.
#pragma once
#pragma GCC system_header
#include_next <immintrin.h>
#include <string.h>
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

namespace emulated {

template <class Element, class Vector, class Combine>
inline Element reduced(Vector v, Combine combine) {
  constexpr int kCount = (int)(sizeof(Vector) / sizeof(Element));
  Element lanes[kCount];
  memcpy(lanes, &v, sizeof v);
  for (int n = kCount / 2; n > 0; n /= 2)
    for (int i = 0; i < n; i++) lanes[i] = combine(lanes[i], lanes[i + n]);
  return lanes[0];
}
inline float add(float a, float b) { return a + b; }
template <class T> T most(T a, T b) { return a > b ? a : b; }
inline long long either(long long a, long long b) { return a | b; }

inline __m256i to_halves(__m512 v) {
  __m128i halves[2];
  __m256 parts[2];
  memcpy(parts, &v, sizeof v);
  for (int i = 0; i < 2; i++) halves[i] = _mm256_cvtps_ph(parts[i], _MM_FROUND_TO_NEAREST_INT);
  return _mm256_set_m128i(halves[1], halves[0]);
}

// Rounds to nearest even; subnormal numbers become zero, NaN stays NaN. The second argument gives the low half.
inline simde__m512bh to_bf16(__m512 high, __m512 low) {
  unsigned from[32];
  unsigned short to[32];
  memcpy(from, &low, sizeof low);
  memcpy(from + 16, &high, sizeof high);
  for (int i = 0; i < 32; i++) {
    const unsigned u = from[i], size = u & 0x7fffffffu;
    to[i] = (unsigned short)((size > 0x7f800000u ? u | 0x400000u : size < 0x00800000u ? u & 0x80000000u : u + 0x7fff + (u >> 16 & 1)) >> 16);
  }
  simde__m512bh result;
  memcpy(&result, to, sizeof result);
  return result;
}

// SIMDe's own read and write whole registers, where the processor does not touch what the mask leaves out.
template <class Vector, class Element>
inline Vector masked_load(unsigned long long mask, const void* from) {
  Element lanes[sizeof(Vector) / sizeof(Element)] = {};
  for (size_t i = 0; i < sizeof(Vector) / sizeof(Element); i++)
    if (mask >> i & 1) memcpy(lanes + i, (const Element*)from + i, sizeof(Element));
  Vector v;
  memcpy(&v, lanes, sizeof v);
  return v;
}
template <class Vector, class Element>
inline void masked_store(void* to, unsigned long long mask, Vector v) {
  Element lanes[sizeof(Vector) / sizeof(Element)];
  memcpy(lanes, &v, sizeof v);
  for (size_t i = 0; i < sizeof(Vector) / sizeof(Element); i++)
    if (mask >> i & 1) memcpy((Element*)to + i, lanes + i, sizeof(Element));
}

}  // namespace emulated

#define _mm512_reduce_add_ps(v) emulated::reduced<float>(v, emulated::add)
#define _mm512_reduce_max_ps(v) emulated::reduced<float>(v, emulated::most<float>)
#define _mm512_reduce_max_epu32(v) emulated::reduced<unsigned>(v, emulated::most<unsigned>)
#define _mm512_reduce_or_epi64(v) emulated::reduced<long long>(v, emulated::either)
#define _mm512_reduce_ps(v, rounding) _mm512_sub_ps(v, _mm512_roundscale_ps(v, rounding))
#define _mm512_cvtps_ph(v, rounding) emulated::to_halves(v)
#define _mm256_dpbusd_avx_epi32(a, u, s) simde_mm256_dpbusd_epi32(a, u, s)
#define _mm512_cvtne2ps_pbh(high, low) emulated::to_bf16(high, low)
#define __m512bh simde__m512bh
#undef _mm512_maskz_loadu_ps
#undef _mm512_maskz_loadu_epi16
#undef _mm256_maskz_loadu_epi16
#undef _mm512_mask_storeu_ps
#undef _mm256_mask_storeu_epi16
#define _mm512_maskz_loadu_ps(mask, from) emulated::masked_load<__m512, float>(mask, from)
#define _mm512_maskz_loadu_epi16(mask, from) emulated::masked_load<__m512i, short>(mask, from)
#define _mm256_maskz_loadu_epi16(mask, from) emulated::masked_load<__m256i, short>(mask, from)
#define _mm512_mask_storeu_ps(to, mask, v) emulated::masked_store<__m512, float>(to, mask, v)
#define _mm256_mask_storeu_epi16(to, mask, v) emulated::masked_store<__m256i, short>(to, mask, v)
