// What a network does between its products, on channel-major matrices ([channels][stride] floats): norms, activations,
// softmax. One table of functions per instruction set. Ranges of columns that threads share out start at multiples of 16.
#pragma once
#include <stddef.h>

namespace triptych {

enum class Activation : int { None = 0, Swish = 1, Gelu = 2, Cos = 3, Sin = 4 };

// An image that a convolution looks at: rows of one channel, as lines of its output's columns.
struct ImageWindow {
  int in_height, in_width;      // of the image as the kernel sees it, after enlarging
  int out_height, out_width;
  int stride_y, stride_x;
  int pad_top, pad_left;
  int kernel_height, kernel_width;
  int enlarge;                  // every pixel of x is enlarge x enlarge pixels
};

struct LayerKernels {
  // Groups of channels of one image: `channels` rows of `count` floats. y may be x. Swish with slope 1 follows if wanted.
  void (*group_norm)(const float* x, size_t x_stride, int channels, int count, const float* weight, const float* bias, float epsilon,
                     bool swish, float* y, size_t y_stride);
  // Over all channels of each of `columns` columns.
  void (*layer_norm)(const float* x, size_t x_stride, int channels, int columns, const float* weight, const float* bias, float epsilon,
                     float* y, size_t y_stride);
  void (*activate)(const float* x, float* y, int count, Activation kind, float slope);
  void (*add)(const float* x, const float* y, float* out, int count);
  // value * gelu(gate)
  void (*geglu)(const float* value, const float* gate, float* out, int count);
  // Scores [keys][stride] -> exp(factor * (score - largest of the column)); sums[column] = their sum.
  void (*softmax)(float* scores, size_t stride, int keys, int columns, float factor, float* sums);
  // y[row][column] = x[row][column] / sums[column]
  void (*divide)(const float* x, size_t x_stride, int rows, int columns, const float* sums, float* y, size_t y_stride);
  // y[row][column] = bias[row] (null: 0) + shift + residual (null: 0): what a product is added to.
  void (*begin_sum)(float bias, const float* residual, float* y, int count);
  // The line of columns [from, to) that tap (ky, kx) of a kernel sees of one channel's row x (all images side by side).
  void (*window_line)(const float* x, const ImageWindow& window, int ky, int kx, int from, int to, float* line);
};

const LayerKernels& layer_kernels_portable();
const LayerKernels& layer_kernels_avx2();    // only with TRIPTYCH_X86
const LayerKernels& layer_kernels_avx512();  // only with TRIPTYCH_X86

}  // namespace triptych
