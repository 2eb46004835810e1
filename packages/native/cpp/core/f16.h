// Half precision and bfloat16 to and from float, bit by bit, for code that may not use F16C.
#pragma once
#include <stdint.h>
#include <string.h>

namespace triptych {

static inline float bits_to_f32(uint32_t u) { float f; memcpy(&f, &u, 4); return f; }
static inline uint32_t f32_to_bits(float f) { uint32_t u; memcpy(&u, &f, 4); return u; }

static inline float f16_to_f32(uint16_t h) {
  const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = (h >> 10) & 31, man = h & 0x3ff;
  if (exp == 31) return bits_to_f32(sign | 0x7f800000u | (man << 13));
  if (exp != 0) return bits_to_f32(sign | ((exp + 112) << 23) | (man << 13));
  // Subnormal: man * 2^-24, exact in float.
  const float f = (float)man * 5.9604644775390625e-8f;
  return bits_to_f32(sign | f32_to_bits(f));
}

// Round to nearest even, as F16C does; overflow gives infinity, NaN stays NaN.
static inline uint16_t f32_to_f16(float f) {
  const uint32_t u = f32_to_bits(f), sign = (u >> 16) & 0x8000, a = u & 0x7fffffffu;
  if (a > 0x7f800000u) return (uint16_t)(sign | 0x7e00 | ((a >> 13) & 0x3ff));
  if (a >= 0x477ff000u) return (uint16_t)(sign | 0x7c00);
  if (a >= 0x38800000u) {
    const uint32_t r = a + 0xfff + ((a >> 13) & 1);
    return (uint16_t)(sign | ((r - 0x38000000u) >> 13));
  }
  if (a < 0x33000000u) return (uint16_t)sign;
  const uint32_t shift = 126 - (a >> 23), man = (a & 0x7fffff) | 0x800000;
  const uint32_t half = 1u << (shift - 1), q = man >> shift, rem = man & ((1u << shift) - 1);
  return (uint16_t)(sign | (q + (rem > half || (rem == half && (q & 1)))));
}

static inline float bf16_to_f32(uint16_t h) { return bits_to_f32((uint32_t)h << 16); }

}  // namespace triptych
