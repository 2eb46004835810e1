// Float kernels in plain C++; also the readable definition: for each output a sum over k in order, one term at a time.
#include <string.h>

#include "core/f16.h"
#include "linear/kernels.h"

namespace triptych {

void float_panels_portable(const PanelRun& run, const FloatActivations& act) {
  for (int p = 0; p < run.panels; p++) {
    const uint8_t* panel = run.data + (size_t)p * panel_bytes(run.type, act.k);
    const int columns = run.columns - p * kPanel < kPanel ? run.columns - p * kPanel : kPanel;
    for (int g = 0; g < act.groups(); g++) {
      const float* x = act.data + (size_t)g * act.group_stride();
      float sums[kFloatGroup][kPanel] = {};
      for (int i = 0; i < act.k; i++) {
        float w[kPanel];
        for (int c = 0; c < kPanel; c++) {
          const uint8_t* e = panel + float_offset(run.type, i, c);
          uint16_t h;
          if (run.type == WeightType::F32) memcpy(w + c, e, 4);
          else memcpy(&h, e, 2), w[c] = run.type == WeightType::F16 ? f16_to_f32(h) : bf16_to_f32(h);
        }
        for (int r = 0; r < act.rows_of(g); r++)
          for (int c = 0; c < kPanel; c++) sums[r][c] += x[(size_t)i * act.group + r] * w[c];
      }
      for (int r = 0; r < act.rows_of(g); r++)
        memcpy(run.y + (size_t)(g * act.group + r) * run.y_stride + p * kPanel, sums[r], (size_t)columns * 4);
    }
  }
}

}  // namespace triptych
