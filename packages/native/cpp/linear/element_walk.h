// How the float and bf16 kernels of AVX-512 walk a run of panels: group by group of rows, each group one tile.
#pragma once
#include <string.h>

#include "linear/layout.h"
#include "linear/kernels.h"

namespace triptych {
namespace {

// tile(rows, w, x, ahead, y, y_stride) computes 32 columns; panel(w) gives what it takes for a panel's weights at w.
template <class Activations, class PanelOf, class Tile>
inline void walk_panels(const PanelRun& run, const Activations& act, PanelOf panel_of, Tile tile) {
  const size_t panel = panel_bytes(run.type, act.k);
  const int groups = act.groups();
  for (int p = 0; p < run.panels; p++) {
    const auto w = panel_of(run.data + (size_t)p * panel);
    const int columns = run.columns - p * kPanel;
    const bool whole = columns >= kPanel;
    for (int g = 0; g < groups; g++) {
      const int rows = act.rows_of(g);
      alignas(64) float partial[kFloatGroup * kPanel];
      float* out = run.y + (size_t)(g * act.group) * run.y_stride + p * kPanel;
      tile(rows, w, act.data + (size_t)g * act.group_stride(), groups == 1 ? (size_t)run.prefetch : 0, whole ? out : partial,
           whole ? run.y_stride : (size_t)kPanel);
      for (int r = 0; !whole && r < rows; r++) memcpy(out + (size_t)r * run.y_stride, partial + r * kPanel, (size_t)columns * 4);
    }
  }
}

}  // namespace
}  // namespace triptych
