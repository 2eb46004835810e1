// Eight floats in an AVX register, behind the interface all vector kernels are written against (vec_portable.h
// describes it). Only for files compiled with the AVX2 flags (AVX2, FMA, F16C).
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

namespace triptych {
namespace {

struct Vec {
  static constexpr int kLanes = 8;
  static constexpr int kRegisters = 16;
  __m256 v;

  static Vec zero() { return {_mm256_setzero_ps()}; }
  static Vec set(float x) { return {_mm256_set1_ps(x)}; }
  static Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Vec load(const uint16_t* p) { return {_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p))}; }
  static Vec load_first(const float* p, int n) { return {_mm256_maskload_ps(p, first(n))}; }
  static Vec load_first(const uint16_t* p, int n) {
    alignas(16) uint16_t t[8] = {};
    memcpy(t, p, (size_t)n * 2);
    return load(t);
  }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  void store(uint16_t* p) const { _mm_storeu_si128((__m128i*)p, half()); }
  void store_first(float* p, int n) const { _mm256_maskstore_ps(p, first(n), v); }
  void store_first(uint16_t* p, int n) const {
    alignas(16) uint16_t t[8];
    store(t);
    memcpy(p, t, (size_t)n * 2);
  }

  // p[0..16) -> even elements, odd elements; and back.
  static void load_pairs(const float* p, Vec& even, Vec& odd) {
    const __m256 a = _mm256_loadu_ps(p), b = _mm256_loadu_ps(p + 8);
    const __m256 l = _mm256_permute2f128_ps(a, b, 0x20), h = _mm256_permute2f128_ps(a, b, 0x31);
    // shuffle works within 128-bit halves: l = a0-3 b0-3 and h = a4-7 b4-7 give a0 a2 a4 a6 | b0 b2 b4 b6.
    even.v = _mm256_shuffle_ps(l, h, 0x88);
    odd.v = _mm256_shuffle_ps(l, h, 0xdd);
  }
  static void store_pairs(float* p, Vec even, Vec odd) {
    const __m256 l = _mm256_unpacklo_ps(even.v, odd.v), h = _mm256_unpackhi_ps(even.v, odd.v);
    _mm256_storeu_ps(p, _mm256_permute2f128_ps(l, h, 0x20));
    _mm256_storeu_ps(p + 8, _mm256_permute2f128_ps(l, h, 0x31));
  }

  friend Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
  static Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  static Vec max(Vec limit, Vec x) { return {_mm256_max_ps(limit.v, x.v)}; }
  static Vec min(Vec limit, Vec x) { return {_mm256_min_ps(limit.v, x.v)}; }
  static bool any_greater(Vec a, Vec b) { return _mm256_movemask_ps(_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)) != 0; }
  static Vec first_or(Vec a, int n, Vec other) { return {_mm256_blendv_ps(other.v, a.v, _mm256_castsi256_ps(first(n)))}; }
  static Vec fraction(Vec x, Vec& whole) {
    const Vec magic = set(12582912.0f);
    whole = x + magic;
    return x - (whole - magic);
  }
  static Vec scale(Vec p, Vec whole) {
    return {_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p.v), _mm256_slli_epi32(_mm256_castps_si256(whole.v), 23)))};
  }
  float sum() const {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
  float max_lane() const {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
  }

 private:
  static __m256i first(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  __m128i half() const { return _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
};

}  // namespace
}  // namespace triptych
