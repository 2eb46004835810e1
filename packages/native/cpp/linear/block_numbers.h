// What quantising a block does alike on all instruction sets: the scale from its largest magnitude, and the numbers that lie
// beside its bytes (layout.h).
#pragma once
#include <string.h>

#include "core/f16.h"
#include "linear/layout.h"

namespace triptych {

struct BlockScale {
  float scale;
  float inverse;  // 0: all bytes are 0
};

// `top`: the bits of the largest magnitude, so that NaN is larger than everything.
static inline BlockScale block_scale(uint32_t top) {
  const float magnitude = bits_to_f32(top);
  if (!(magnitude <= kMaxActivation)) return {bits_to_f32(0x7fc00000u), 0.0f};
  if (magnitude < kMinActivation) return {0.0f, 0.0f};
  // 22 significant bits: kMagic * scale is exact.
  return {bits_to_f32(f32_to_bits(magnitude * (1.0f / 127.0f)) & ~3u), 127.0f / magnitude};
}

// Of row r of the group whose block lies at `out`; `sum` is that of the row's bytes.
static inline void put_block_numbers(uint8_t* out, int group_rows, int r, float scale, int32_t sum) {
  const float shift = -kMagic * scale;
  const int32_t start128 = kMagicBits - 128 * sum, start8 = kMagicBits - 8 * sum;
  memcpy(out + group_rows * 32 + r * 4, &scale, 4);
  memcpy(out + group_rows * 36 + r * 4, &shift, 4);
  memcpy(out + group_rows * 40 + r * 4, &start128, 4);
  memcpy(out + group_rows * 44 + r * 4, &start8, 4);
}

}  // namespace triptych
