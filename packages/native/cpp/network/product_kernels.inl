// f32 products with fused multiply-adds, in terms of Vec: tiles of up to kRows rows x 2 vectors.
// Panel: [group of 2 vectors][k][2 * kLanes].
#include <string.h>

#include "core/f16.h"
#include "core/inline.h"
#include "network/product_kernels.h"

namespace triptych {
namespace {

constexpr int kGroup = 2 * Vec::kLanes;
constexpr int kRows = Vec::kRegisters == 32 ? 12 : 6;

void pack(uint8_t* panel, PanelShape shape, int k, const float* first, const float* second) {
  const int padded = (shape.k + 1) / 2 * 2;
  float* at = (float*)panel + (size_t)k * kGroup;
  for (int c = 0; c < shape.columns; c += kGroup, at += (size_t)padded * kGroup) {
    for (int half = 0; half < 2; half++) {
      const int left = shape.columns - c - half * Vec::kLanes;
      for (int row = 0; row < 2; row++) {
        const float* line = row ? second : first;
        Vec x = Vec::zero();
        if (line && left > 0)
          x = left >= Vec::kLanes ? Vec::load(line + c + half * Vec::kLanes) : Vec::load_first(line + c + half * Vec::kLanes, left);
        x.store(at + row * kGroup + half * Vec::kLanes);
      }
    }
  }
}

// w: [rows][pitch] floats.
template <int R, int V>
__attribute__((noinline)) void tile(const float* w, size_t pitch, int k, const float* panel, float* c, size_t stride, bool load) {
  Vec sums[R][V];
#pragma GCC unroll 12
  for (int r = 0; r < R; r++)
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) sums[r][v] = load ? Vec::load(c + r * stride + v * Vec::kLanes) : Vec::zero();
  for (int i = 0; i < k; i++, panel += kGroup) {
    Vec x[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) x[v] = Vec::load(panel + v * Vec::kLanes);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const Vec a = Vec::set(w[r * pitch + i]);
#pragma GCC unroll 2
      for (int v = 0; v < V; v++) sums[r][v] = Vec::fma(a, x[v], sums[r][v]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; r++)
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) sums[r][v].store(c + r * stride + v * Vec::kLanes);
}

using TileFn = void (*)(const float*, size_t, int, const float*, float*, size_t, bool);
template <int V, int... R> constexpr void fill(TileFn* table) { ((table[R] = tile<R, V>), ...); }
struct Tiles {
  TileFn one[kRows + 1] = {}, two[kRows + 1] = {};
  constexpr Tiles() {
    if constexpr (kRows == 12) {
      fill<1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>(one);
      fill<2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>(two);
    } else {
      fill<1, 1, 2, 3, 4, 5, 6>(one);
      fill<2, 1, 2, 3, 4, 5, 6>(two);
    }
  }
};
constexpr Tiles kTiles;

void widen(const WeightRows& weight, int row, int k, float* out) {
  const uint8_t* from = weight.data + (size_t)row * weight.stride;
  if (weight.type == WeightType::F32) {
    memcpy(out, from, (size_t)k * 4);
    return;
  }
  for (int i = 0; i < k; i++) {
    uint16_t half;
    memcpy(&half, from + 2 * (size_t)i, 2);
    out[i] = weight.type == WeightType::F16 ? f16_to_f32(half) : bf16_to_f32(half);
  }
}

// Fetches rows of weights to L2, so many lines at each call: they come from a mapped file, once, and the products before them
// take long enough to have them there in time.
struct WeightsAhead {
  const uint8_t* row;
  size_t stride, row_bytes, at = 0;
  int rows, lines;

  // `bytes` of each of `rows` rows, spread over so many calls.
  WeightsAhead(const WeightRows& weight, int rows_, size_t bytes, int calls)
      : row(weight.data), stride(weight.stride), row_bytes(bytes), rows(rows_), lines((int)((bytes + 63) / 64 * (size_t)rows_ / (size_t)calls) + 1) {}
  TRIPTYCH_INLINE void fetch() {
    for (int i = 0; i < lines && rows > 0; i++) {
      __builtin_prefetch(row + at, 0, 2);
      if ((at += 64) < row_bytes) continue;
      at = 0;
      row += stride;
      rows--;
    }
  }
};

void multiply(const WeightRows& weight, int rows, int, PanelShape shape, const uint8_t* panel, float* c, size_t c_stride, bool accumulate,
              uint8_t* scratch) {
  constexpr int kSub = 256;  // k whose weights and panel group stay in L1
  constexpr size_t kPitch = kSub + 16;
  const int padded = (shape.k + 1) / 2 * 2;
  float* w = (float*)scratch;
  for (int k0 = 0; k0 < shape.k; k0 += kSub) {
    const int k = shape.k - k0 < kSub ? shape.k - k0 : kSub;
    const WeightRows part = weight.at(0, k0);
    for (int r = 0; r < rows; r++) widen(part, r, k, w + r * kPitch);
    const bool load = accumulate || k0 > 0;
    const int next = shape.k - k0 - k < kSub ? shape.k - k0 - k : kSub;
    const int calls = (shape.columns + kGroup - 1) / kGroup * ((rows + kRows - 1) / kRows);
    WeightsAhead ahead(weight.at(0, k0 + k), next > 0 ? rows : 0, (size_t)next * weight.element(), calls);
    for (int column = 0, g = 0; column < shape.columns; column += kGroup, g++) {
      const float* from = (const float*)panel + ((size_t)g * padded + k0) * kGroup;
      const TileFn* tiles = shape.columns - column > Vec::kLanes ? kTiles.two : kTiles.one;
      for (int r = 0; r < rows;) {
        const int left = rows - r;
        // Two nearly equal tiles at the end instead of a full one and a thin one.
        const int some = left <= kRows ? left : left < 2 * kRows ? (left + 1) / 2 : kRows;
        ahead.fetch();
        tiles[some](w + r * kPitch, kPitch, k, from, c + (size_t)r * c_stride + column, c_stride, load);
        r += some;
      }
    }
  }
}

void nothing() {}

constexpr ProductKernels kKernels = {kGroup, kGroup * 4, 2, 1, pack, multiply, nothing, nothing};

}  // namespace
}  // namespace triptych
