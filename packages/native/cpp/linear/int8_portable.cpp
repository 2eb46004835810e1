// Int8 kernels in plain C++: correct everywhere, fast nowhere. Also the readable definition of the arithmetic.
#include <string.h>

#include "core/f16.h"
#include "linear/block_numbers.h"
#include "linear/kernels.h"

namespace triptych {
namespace {

// See Int8Activations in layout.h; every instruction set does these very operations.
void quantize(const float* x, int block0, int block1, uint8_t* group, int group_rows, int r) {
  for (int b = block0; b < block1; b++) {
    uint8_t* out = group + (size_t)b * (size_t)group_rows * kInt8ActivationBytes;
    int8_t* q = (int8_t*)out + r * 32;
    int32_t sum = 0;
    uint32_t top = 0;  // largest magnitude; as bits, so that NaN is larger than everything
    for (int i = 0; x && i < kBlock; i++) {
      const uint32_t bits = f32_to_bits(x[b * kBlock + i]) & 0x7fffffffu;
      top = bits > top ? bits : top;
    }
    const auto [scale, inverse] = block_scale(top);
    for (int i = 0; i < kBlock; i++) {
      // Adding and reading back kMagic rounds to the nearest even integer.
      const int v = inverse == 0.0f ? 0 : (int)(f32_to_bits(x[b * kBlock + i] * inverse + kMagic) - (uint32_t)kMagicBits);
      q[i] = (int8_t)v;
      sum += v;
    }
    put_block_numbers(out, group_rows, r, scale, sum);
  }
}

// 32 signed weights of one column.
void column(WeightType type, const uint8_t* block, int c, int8_t* w) {
  const uint8_t* q = block + kScaleBytes + c * 4;
  if (type == WeightType::Q8_0) {
    for (int g = 0; g < 8; g++) memcpy(w + g * 4, q + g * 128, 4);
    return;
  }
  for (int i = 0; i < 16; i++) {
    const int v = q[(i / 4) * 128 + i % 4];
    w[i] = (int8_t)((v & 15) - 8);
    w[i + 16] = (int8_t)((v >> 4) - 8);
  }
}

void int8_panels(const PanelRun& run, const Int8Activations& act) {
  for (int c = 0; c < run.columns; c++) {
    const uint8_t* panel = run.data + (size_t)(c / kPanel) * (size_t)act.blocks * block_bytes(run.type);
    for (int g = 0; g < act.groups(); g++) {
      float sums[kInt8Group] = {};
      for (int b = 0; b < act.blocks; b++) {
        const uint8_t* block = panel + (size_t)b * block_bytes(run.type);
        const uint8_t* a = act.data + (size_t)g * act.group_stride() + (size_t)b * act.block_stride();
        int8_t w[kBlock];
        column(run.type, block, c % kPanel, w);
        uint16_t half;
        memcpy(&half, block + (c % kPanel) * 2, 2);
        const float weight_scale = f16_to_f32(half);
        for (int r = 0; r < act.rows_of(g); r++) {
          const int8_t* q = (const int8_t*)a + r * kBlock;
          int32_t dot = 0;
          for (int i = 0; i < kBlock; i++) dot += (int32_t)w[i] * q[i];
          float scale;
          memcpy(&scale, a + act.scale_offset() + r * 4, 4);
          sums[r] += (float)dot * scale * weight_scale;
        }
      }
      for (int r = 0; r < act.rows_of(g); r++) run.y[(size_t)(g * act.group + r) * run.y_stride + c] = sums[r];
    }
  }
}

}  // namespace

const LinearKernels kLinearPortable{quantize, int8_panels, float_panels_portable};

}  // namespace triptych
