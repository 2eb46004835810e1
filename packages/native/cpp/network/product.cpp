// Linear layers and convolutions: pack some rows of the right factor together, then share out the weight's rows.
#include <string.h>

#include "network/network.h"

namespace triptych {
namespace {

constexpr int kMostColumns = 1024;           // packed at once
constexpr size_t kPanelBytes = 1280 << 10;   // of them: two thirds of a typical L2
constexpr int kPackRows = 32;                // claimed at once: what an AMX step holds
constexpr int kUnitsPerThread = 4;

int round_up(int value, int unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

size_t largest_panel(const ProductKernels& kernels, const NetworkOp& op, int k) {
  const int columns = op.out.columns < kMostColumns ? op.out.columns : kMostColumns;
  const size_t all = kernels.panel_bytes({k, columns});
  return all < kPanelBytes ? all : kPanelBytes + kernels.panel_bytes({kPackRows, columns});
}

void Network::product(const NetworkOp& op, const Worker& worker) {
  const ProductKernels& products = kernels_of(op);
  const WeightRows weight = rows_of(op.weight);
  const FileTensor& shape = spec_.tensors[op.weight];
  const float* bias = op.bias < 0 ? nullptr : vectors_[op.bias].data();
  const ImageWindow& window = op.window;
  const int taps = op.is_convolution ? window.kernel_height * window.kernel_width : 1;
  const int per_image = op.out.columns / op.batch;
  uint8_t* own = panel_ + panel_bytes_ + (size_t)worker.index * private_bytes_;
  float* lines = (float*)(own + kProductScratch);
  const int chunks = (shape.rows + kRowChunk - 1) / kRowChunk;
  products.begin();
  for (int from = 0; from < op.out.columns; from += kMostColumns) {
    const int to = from + kMostColumns < op.out.columns ? from + kMostColumns : op.out.columns;
    const int columns = to - from;
    const size_t step_bytes = products.panel_bytes({kPackRows, columns});
    const int block = step_bytes >= kPanelBytes ? kPackRows : (int)(kPanelBytes / step_bytes) * kPackRows;
    const int groups = (columns + products.group - 1) / products.group;
    int parts = (kUnitsPerThread * worker.count + chunks - 1) / chunks;
    if (parts > groups) parts = groups;
    if (worker.count == 1) parts = 1;
    const int part_groups = round_up((groups + parts - 1) / parts, 2);
    for (int k0 = 0; k0 < shape.k; k0 += block) {
      const PanelShape panel{shape.k - k0 < block ? shape.k - k0 : block, columns};
      const int packed = round_up(panel.k, products.k_multiple);
      const auto line = [&](int k, int which) -> const float* {
        float* room = lines + which * kMostColumns;
        if (k >= panel.k) return nullptr;
        const int row = (k0 + k) / taps, tap = (k0 + k) % taps;
        const float* x = at(op.x) + (size_t)row * op.x.stride;
        if (!op.is_convolution) return x + from;
        layers_->window_line(x, window, tap / window.kernel_width, tap % window.kernel_width, from, to, room);
        return room;
      };
      for (int first = worker.take(1) * kPackRows; first < packed; first = worker.take(1) * kPackRows) {
        const int last = first + kPackRows < packed ? first + kPackRows : packed;
        products.pack_rows(panel_, panel, first, last, line);
      }
      pool_.sync();
      for (int unit = worker.take(1); unit < chunks * parts; unit = worker.take(1)) {
        const int row = unit / parts * kRowChunk, group = unit % parts * part_groups;
        if (group >= groups) continue;
        const int rows = shape.rows - row < kRowChunk ? shape.rows - row : kRowChunk;
        const int start = group * products.group;
        const int count = columns - start < part_groups * products.group ? columns - start : part_groups * products.group;
        float* c = at(op.out) + (size_t)row * op.out.stride + from + start;
        const bool is_plain = bias == nullptr && !op.has_shift && !op.has_residual;
        for (int r = 0; k0 == 0 && !is_plain && r < rows; r++) {
          const float* residual = op.has_residual ? at(op.residual) + (size_t)(row + r) * op.residual.stride : nullptr;
          const float* shift = op.has_shift ? at(op.shift) + (size_t)(row + r) * op.shift.stride : nullptr;
          for (int j = from + start, next; j < from + start + count; j = next) {
            const int image = j / per_image;
            next = shift && (image + 1) * per_image < from + start + count ? (image + 1) * per_image : from + start + count;
            layers_->begin_sum((bias ? bias[row + r] : 0.0f) + (shift ? shift[image] : 0.0f), residual ? residual + j : nullptr,
                               at(op.out) + (size_t)(row + r) * op.out.stride + j, next - j);
          }
        }
        products.multiply(weight.at(row, k0), rows, kRowChunk * ((worker.count + parts - 1) / parts), {panel.k, count}, panel_ + (size_t)group * products.group_bytes(panel.k), c,
                            (size_t)op.out.stride, k0 > 0 || !is_plain, own);
      }
      pool_.sync();
    }
  }
  products.end();
}

}  // namespace triptych
