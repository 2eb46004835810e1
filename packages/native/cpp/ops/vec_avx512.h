// Sixteen floats in an AVX-512 register, behind the interface all vector kernels are written against (vec_portable.h
// describes it). Only for files compiled with the AVX-512 flags.
#pragma once
#include <immintrin.h>
#include <stdint.h>

namespace triptych {
namespace {

struct Vec {
  static constexpr int kLanes = 16;
  static constexpr int kRegisters = 32;
  __m512 v;

  static Vec zero() { return {_mm512_setzero_ps()}; }
  static Vec set(float x) { return {_mm512_set1_ps(x)}; }
  static Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Vec load(const uint16_t* p) { return {_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p))}; }
  static Vec load_first(const float* p, int n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
  static Vec load_first(const uint16_t* p, int n) {
    return {_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p))};
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void store(uint16_t* p) const { _mm256_storeu_si256((__m256i*)p, half()); }
  void store_first(float* p, int n) const { _mm512_mask_storeu_ps(p, first(n), v); }
  void store_first(uint16_t* p, int n) const { _mm256_mask_storeu_epi16(p, first(n), half()); }

  // p[0..32) -> even elements, odd elements; and back.
  static void load_pairs(const float* p, Vec& even, Vec& odd) {
    const __m512 a = _mm512_loadu_ps(p), b = _mm512_loadu_ps(p + 16);
    const __m512i i = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    even.v = _mm512_permutex2var_ps(a, i, b);
    odd.v = _mm512_permutex2var_ps(a, _mm512_add_epi32(i, _mm512_set1_epi32(1)), b);
  }
  static void store_pairs(float* p, Vec even, Vec odd) {
    const __m512i i = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    _mm512_storeu_ps(p, _mm512_permutex2var_ps(even.v, i, odd.v));
    _mm512_storeu_ps(p + 16, _mm512_permutex2var_ps(even.v, _mm512_add_epi32(i, _mm512_set1_epi32(8)), odd.v));
  }

  friend Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
  static Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Vec max(Vec limit, Vec x) { return {_mm512_max_ps(limit.v, x.v)}; }
  static Vec min(Vec limit, Vec x) { return {_mm512_min_ps(limit.v, x.v)}; }
  static bool any_greater(Vec a, Vec b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ) != 0; }
  static Vec first_or(Vec a, int n, Vec other) { return {_mm512_mask_mov_ps(other.v, first(n), a.v)}; }
  static Vec fraction(Vec x, Vec& whole) {
    const Vec f{_mm512_reduce_ps(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
    whole = x - f;
    return f;
  }
  static Vec scale(Vec p, Vec whole) {
    return {_mm512_scalef_ps(p.v, whole.v)};
  }
  float sum() const { return _mm512_reduce_add_ps(v); }
  float max_lane() const { return _mm512_reduce_max_ps(v); }

 private:
  static __mmask16 first(int n) { return (__mmask16)((1u << n) - 1); }
  __m256i half() const { return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
};

}  // namespace
}  // namespace triptych
