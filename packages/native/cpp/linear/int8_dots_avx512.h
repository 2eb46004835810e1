// Integer dot products of a block with AVX-512 VNNI, for both int8 files. vpdpbusd wants unsigned weights: the sign bit of
// Q8_0 is flipped on the fly, unless that was done before (kExpanded). Only for files compiled with the AVX-512 flags.
#pragma once
#include <immintrin.h>
#include <string.h>

#include "linear/ahead.h"
#include "linear/layout.h"

namespace triptych {
namespace {

enum Format { kQ8, kQ4, kExpanded };
constexpr size_t bytes_of(Format f) { return f == kQ4 ? kQ4BlockBytes : f == kQ8 ? kQ8BlockBytes : kExpandedBlockBytes; }
constexpr size_t scale_bytes_of(Format f) { return f == kExpanded ? kExpandedScaleBytes : kScaleBytes; }
constexpr int lines_of(Format f) { return (int)((bytes_of(f) - scale_bytes_of(f)) / 64); }  // without the scales

// Scales of columns [16 * half, 16 * half + 16) of the block at w.
template <Format F>
TRIPTYCH_INLINE __m512 scales(const uint8_t* w, int half) {
  if constexpr (F == kExpanded) return _mm512_load_ps((const float*)w + half * 16);
  else return _mm512_cvtph_ps(_mm256_load_si256((const __m256i*)w + half));
}

template <int R>
TRIPTYCH_INLINE void dot(__m512i (&a)[R][2], __m512i w0, __m512i w1, const uint8_t* q) {
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    int32_t x;
    memcpy(&x, q + r * 32, 4);
    const __m512i xb = _mm512_set1_epi32(x);
    a[r][0] = _mm512_dpbusd_epi32(a[r][0], w0, xb);
    a[r][1] = _mm512_dpbusd_epi32(a[r][1], w1, xb);
  }
}

// a += R rows at q times a block whose values are at v. `fetch(i)`, i = 0..7, comes between the products, to ask for what is
// needed later: asked for at once it would occupy all of L1's miss buffers, and computing would wait for memory.
template <int R, Format F, class FetchPart>
TRIPTYCH_INLINE void dots(__m512i (&a)[R][2], const uint8_t* v, const uint8_t* q, FetchPart fetch) {
  if constexpr (F == kQ4) {
    const __m512i low = _mm512_set1_epi8(15);
#pragma GCC unroll 4
    for (int g = 0; g < 4; g++) {
      fetch(2 * g);
      fetch(2 * g + 1);
      const __m512i v0 = _mm512_load_si512(v + g * 128), v1 = _mm512_load_si512(v + g * 128 + 64);
      dot<R>(a, _mm512_and_si512(v0, low), _mm512_and_si512(v1, low), q + g * 4);
      dot<R>(a, _mm512_and_si512(_mm512_srli_epi16(v0, 4), low), _mm512_and_si512(_mm512_srli_epi16(v1, 4), low),
             q + 16 + g * 4);
    }
  } else {
    const __m512i sign = _mm512_set1_epi8((char)0x80);
#pragma GCC unroll 8
    for (int g = 0; g < 8; g++) {
      fetch(g);
      __m512i w0 = _mm512_load_si512(v + g * 128), w1 = _mm512_load_si512(v + g * 128 + 64);
      if constexpr (F == kQ8) w0 = _mm512_xor_si512(w0, sign), w1 = _mm512_xor_si512(w1, sign);
      dot<R>(a, w0, w1, q + g * 4);
    }
  }
}

}  // namespace
}  // namespace triptych
