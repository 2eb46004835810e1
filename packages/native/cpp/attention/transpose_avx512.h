// Sixteen tokens of K, token-major, to dim-major: the scores of sixteen tokens then are one register and no
// horizontal sum is needed. Only for files compiled with the AVX-512 flags.
#pragma once
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define TRIPTYCH_STEP inline __attribute__((always_inline))

namespace triptych {
namespace {

// 16 tokens x 32 dims of f16 -> [32][16], in the order packed_dim() gives. It saves the last of five shuffle stages, and a
// dot product does not care as long as q has it too. In eight steps of eight shuffles, to be put between multiply-adds:
// shuffles have one port on Intel, which alone would leave the other idle.
class TransposeF16 {
 public:
  // Tokens beyond `tokens` and dims whose bit is not set are not read and are 0.
  TransposeF16(const uint8_t* source, size_t stride, uint16_t* out, int tokens = 16, __mmask32 dims = 0xffffffffu)
      : source_(source), stride_(stride), out_(out), tokens_(tokens), dims_(dims) {}

  template <int kStep, bool kWhole> TRIPTYCH_STEP void step() {
    if constexpr (kStep < 4) tokens<kStep, kWhole>();
    else dims<kStep - 4>();
  }
  template <bool kWhole> TRIPTYCH_STEP void all() {
    step<0, kWhole>(), step<1, kWhole>(), step<2, kWhole>(), step<3, kWhole>();
    step<4, kWhole>(), step<5, kWhole>(), step<6, kWhole>(), step<7, kWhole>();
  }

 private:
  // Four tokens: half_[4j + c] holds the dim pair c of each 128-bit lane.
  template <int j, bool kWhole> TRIPTYCH_STEP void tokens() {
    __m512i a[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      const uint8_t* row = source_ + (size_t)(4 * j + i) * stride_;
      if constexpr (kWhole) a[i] = _mm512_loadu_si512(row);
      else a[i] = _mm512_maskz_loadu_epi16(4 * j + i < tokens_ ? dims_ : 0, row);
    }
    const __m512i b0 = _mm512_unpacklo_epi16(a[0], a[1]), b1 = _mm512_unpackhi_epi16(a[0], a[1]);
    const __m512i b2 = _mm512_unpacklo_epi16(a[2], a[3]), b3 = _mm512_unpackhi_epi16(a[2], a[3]);
    half_[4 * j] = _mm512_unpacklo_epi32(b0, b2);
    half_[4 * j + 1] = _mm512_unpackhi_epi32(b0, b2);
    half_[4 * j + 2] = _mm512_unpacklo_epi32(b1, b3);
    half_[4 * j + 3] = _mm512_unpackhi_epi32(b1, b3);
  }
  // Eight dims.
  template <int c> TRIPTYCH_STEP void dims() {
    const __m512i lo = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), hi = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    const __m512i a0 = _mm512_unpacklo_epi64(half_[c], half_[4 + c]), a1 = _mm512_unpackhi_epi64(half_[c], half_[4 + c]);
    const __m512i b0 = _mm512_unpacklo_epi64(half_[8 + c], half_[12 + c]), b1 = _mm512_unpackhi_epi64(half_[8 + c], half_[12 + c]);
    uint16_t* o = out_ + 8 * c * 16;
    _mm512_storeu_si512(o, _mm512_permutex2var_epi64(a0, lo, b0));
    _mm512_storeu_si512(o + 32, _mm512_permutex2var_epi64(a0, hi, b0));
    _mm512_storeu_si512(o + 64, _mm512_permutex2var_epi64(a1, lo, b1));
    _mm512_storeu_si512(o + 96, _mm512_permutex2var_epi64(a1, hi, b1));
  }

  const uint8_t* source_;
  size_t stride_;
  uint16_t* out_;
  int tokens_;
  __mmask32 dims_;
  __m512i half_[16];
};

inline void transpose_f16(const uint8_t* source, size_t stride, int tokens, __mmask32 dims, uint16_t* out) {
  TransposeF16 block(source, stride, out, tokens, dims);
  if (tokens >= 16 && dims == 0xffffffffu) block.all<true>();
  else block.all<false>();
}
// The row of transpose_f16 that dim d lands in (d counts through blocks of 32).
inline int packed_dim(int d) { return (d & ~31) + 4 * (d % 8) + d % 32 / 8; }

// 16 tokens x 16 dims of f32 -> 16 registers, one per dim.
inline __attribute__((always_inline)) void transpose_f32(const uint8_t* source, size_t stride, int tokens, __mmask16 dims, __m512 r[16]) {
  __m512 a[16];
#pragma GCC unroll 16
  for (int t = 0; t < 16; t++) r[t] = _mm512_maskz_loadu_ps(t < tokens ? dims : 0, source + (size_t)t * stride);
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) {
    a[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    a[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {  // r[4j + c]: four tokens of dim c of each 128-bit lane
    r[4 * j] = _mm512_shuffle_ps(a[4 * j], a[4 * j + 2], 0x44);
    r[4 * j + 1] = _mm512_shuffle_ps(a[4 * j], a[4 * j + 2], 0xee);
    r[4 * j + 2] = _mm512_shuffle_ps(a[4 * j + 1], a[4 * j + 3], 0x44);
    r[4 * j + 3] = _mm512_shuffle_ps(a[4 * j + 1], a[4 * j + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; c++) {  // lanes 0, 1 and 2, 3 of two token groups, then of four
    a[c] = _mm512_shuffle_f32x4(r[c], r[4 + c], 0x44);
    a[4 + c] = _mm512_shuffle_f32x4(r[c], r[4 + c], 0xee);
    a[8 + c] = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0x44);
    a[12 + c] = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0xee);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; c++) {  // dim 4 * lane + c
    r[c] = _mm512_shuffle_f32x4(a[c], a[8 + c], 0x88);
    r[4 + c] = _mm512_shuffle_f32x4(a[c], a[8 + c], 0xdd);
    r[8 + c] = _mm512_shuffle_f32x4(a[4 + c], a[12 + c], 0x88);
    r[12 + c] = _mm512_shuffle_f32x4(a[4 + c], a[12 + c], 0xdd);
  }
}

}  // namespace
}  // namespace triptych
