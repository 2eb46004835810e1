// Kernels of f32 matrix products whose left factor is a layer's weight and whose right factor is packed into a panel.
//
// Everything is channel-major: a matrix has one row per channel and one column per pixel or token, of all images of a
// batch side by side. Weights [outputs][k] (a convolution's [outputs][channels][height][width] too) are then read where
// they lie, along k; only the right factor, which is small, is rearranged. Sums run in the order of k whatever the
// number of threads.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "linear/linear.h"

namespace triptych {

// Rows [n][k] of F32, F16 or BF16 in memory of any alignment.
struct WeightRows {
  const uint8_t* data;
  size_t stride;  // bytes from row to row
  WeightType type;
  size_t element() const { return type == WeightType::F32 ? 4 : 2; }
  WeightRows at(int row, int k) const { return {data + (size_t)row * stride + (size_t)k * element(), stride, type}; }
};

// One packed right factor: `k` rows and `columns` columns. Groups of columns follow one another.
struct PanelShape {
  int k;
  int columns;
};

struct ProductKernels {
  int group;        // columns that are packed together
  size_t k_bytes;   // of one group, for one k (an even number of them; AMX: a multiple of 32)
  int k_multiple;   // k is rounded up to this in a panel
  int distance;     // rows k and k + distance are packed together, for the first `distance` of every 2 * distance
  // Writes two rows of the panel from lines of `shape.columns` floats; null stands for zeros.
  void (*pack)(uint8_t* panel, PanelShape shape, int k, const float* first, const float* second);
  // c[row][column] (+)= weight * panel, for up to kRowChunk rows; shape is that of the panel, `columns` of them are used.
  // Columns are rounded up to a multiple of 16 (or of a narrower vector), so c must have room for that. `ahead`: by how many
  // rows the weights lie further on that this thread will probably be given next; they are fetched meanwhile.
  void (*multiply)(const WeightRows& weight, int rows, int ahead, PanelShape shape, const uint8_t* panel, float* c, size_t c_stride,
                   bool accumulate, uint8_t* scratch);
  void (*begin)();  // once per thread before multiply
  void (*end)();

  size_t group_bytes(int k) const { return (size_t)((k + k_multiple - 1) / k_multiple * k_multiple) * k_bytes; }
  // Packs rows [from, to), multiples of k_multiple, with line(k) for every row.
  template <class Line> void pack_rows(uint8_t* panel, PanelShape shape, int from, int to, Line line) const {
    for (int k = from; k < to; k += 2 * distance)
      for (int i = k; i < k + distance; i++) pack(panel, shape, i, line(i, 0), line(i + distance, 1));
  }
  size_t panel_bytes(PanelShape shape) const { return (size_t)((shape.columns + group - 1) / group) * group_bytes(shape.k); }
};

constexpr int kRowChunk = 32;
// What multiply may use, per thread.
constexpr size_t kProductScratch = 512 << 10;

const ProductKernels& product_kernels_portable();
const ProductKernels& product_kernels_avx2();    // only with TRIPTYCH_X86
const ProductKernels& product_kernels_avx512();  // only with TRIPTYCH_X86
const ProductKernels* product_kernels_amx();     // only with TRIPTYCH_X86; null if the compiler could not build it

}  // namespace triptych
