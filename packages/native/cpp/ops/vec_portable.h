// Four floats in plain C++: the interface that all vector kernels are written against. vec_avx2.h and vec_avx512.h
// offer the same with 8 and 16 lanes; a kernel (*_kernels.inl) is compiled once with each of the three.
//
// "first n" functions touch only n elements of memory; lanes beyond are 0. max and min return `x` if either is NaN,
// so a NaN in data passes through a limit. sum() adds in one fixed order.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/f16.h"

namespace triptych {
namespace {

struct Vec {
  static constexpr int kLanes = 4;
  static constexpr int kRegisters = 16;
  float v[4];

  template <class F> static Vec make(F f) { return {{f(0), f(1), f(2), f(3)}}; }
  static Vec zero() { return {{0, 0, 0, 0}}; }
  static Vec set(float x) { return {{x, x, x, x}}; }
  static Vec load(const float* p) { return {{p[0], p[1], p[2], p[3]}}; }
  static Vec load(const uint16_t* p) { return make([&](int i) { return f16_to_f32(p[i]); }); }
  static Vec load_first(const float* p, int n) { return make([&](int i) { return i < n ? p[i] : 0.0f; }); }
  static Vec load_first(const uint16_t* p, int n) { return make([&](int i) { return i < n ? f16_to_f32(p[i]) : 0.0f; }); }
  void store(float* p) const { memcpy(p, v, sizeof v); }
  void store(uint16_t* p) const { store_first(p, 4); }
  void store_first(float* p, int n) const { memcpy(p, v, (size_t)n * 4); }
  void store_first(uint16_t* p, int n) const { for (int i = 0; i < n; i++) p[i] = f32_to_f16(v[i]); }

  // p[0..2*kLanes) -> even elements, odd elements; and back.
  static void load_pairs(const float* p, Vec& even, Vec& odd) {
    even = make([&](int i) { return p[2 * i]; });
    odd = make([&](int i) { return p[2 * i + 1]; });
  }
  static void store_pairs(float* p, Vec even, Vec odd) {
    for (int i = 0; i < 4; i++) { p[2 * i] = even.v[i]; p[2 * i + 1] = odd.v[i]; }
  }

  friend Vec operator+(Vec a, Vec b) { return make([&](int i) { return a.v[i] + b.v[i]; }); }
  friend Vec operator-(Vec a, Vec b) { return make([&](int i) { return a.v[i] - b.v[i]; }); }
  friend Vec operator*(Vec a, Vec b) { return make([&](int i) { return a.v[i] * b.v[i]; }); }
  friend Vec operator/(Vec a, Vec b) { return make([&](int i) { return a.v[i] / b.v[i]; }); }
  // a * b + c; fused where the instruction set has it (not here).
  static Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
  static Vec max(Vec limit, Vec x) { return make([&](int i) { return limit.v[i] > x.v[i] ? limit.v[i] : x.v[i]; }); }
  static Vec min(Vec limit, Vec x) { return make([&](int i) { return limit.v[i] < x.v[i] ? limit.v[i] : x.v[i]; }); }
  static bool any_greater(Vec a, Vec b) { return a.v[0] > b.v[0] || a.v[1] > b.v[1] || a.v[2] > b.v[2] || a.v[3] > b.v[3]; }
  // Lanes 0..n-1 of a, the rest of other.
  static Vec first_or(Vec a, int n, Vec other) { return make([&](int i) { return i < n ? a.v[i] : other.v[i]; }); }
  // x less the nearest integer, in [-0.5, 0.5], for -126 <= x <= 127; and scale(p, whole): p times 2 to the power of that integer, which
  // `whole` stands for in a form of each instruction set's own.
  static Vec fraction(Vec x, Vec& whole) {
    const Vec magic = set(12582912.0f);  // 1.5 * 2^23: adding it leaves the integer in the low mantissa bits
    whole = x + magic;
    return x - (whole - magic);
  }
  static Vec scale(Vec p, Vec whole) {
    return make([&](int i) { return bits_to_f32(f32_to_bits(p.v[i]) + (f32_to_bits(whole.v[i]) << 23)); });
  }
  float sum() const { return (v[0] + v[2]) + (v[1] + v[3]); }
  float max_lane() const {
    const float a = v[0] > v[2] ? v[0] : v[2], b = v[1] > v[3] ? v[1] : v[3];
    return a > b ? a : b;
  }
};

}  // namespace
}  // namespace triptych
