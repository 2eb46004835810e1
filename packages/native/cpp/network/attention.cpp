// Attention of several heads between tokens, without a mask. Scores are kept as [keys][queries], so that every factor of
// both products has the layout it needs, but for the keys, which are turned first.
#include <string.h>

#include "network/network.h"

namespace triptych {
namespace {

int padded(int columns) { return (columns + 31) / 32 * 32; }
int query_block(int keys) { return keys > 2048 ? 64 : 128; }
// Rows 4 KiB apart would share cache sets.
size_t score_stride(int block) { return (size_t)block + 16; }

}  // namespace

// Floats for turned keys, shared; bytes per thread for scores, sums, outputs and a panel.
size_t attention_keys(const NetworkOp& op) { return (size_t)op.y.rows * op.y.columns; }
size_t attention_private(const ProductKernels& kernels, const NetworkOp& op) {
  const int keys = op.y.columns / op.batch, block = query_block(keys);
  const int width = op.values.rows / op.heads;
  const int most = keys > op.x.rows / op.heads ? keys : op.x.rows / op.heads;
  return ((size_t)(padded(keys) + padded(width)) * score_stride(block) + block) * 4 + kernels.panel_bytes({most, block}) + 4096;
}

void Network::attention(const NetworkOp& op, const Worker& worker) {
  const ProductKernels& products = kernels_of(op);
  const int batch = op.batch, heads = op.heads;
  const int queries = op.x.columns / batch, keys = op.y.columns / batch;
  const int width = op.x.rows / heads, value_width = op.values.rows / heads;
  float* turned = (float*)panel_;  // [batch][head][keys][width]
  for (int unit = worker.take(1); unit < batch * heads; unit = worker.take(1)) {
    const int b = unit / heads, h = unit % heads;
    const float* from = at(op.y) + (size_t)h * width * op.y.stride + (size_t)b * keys;
    float* to = turned + (size_t)unit * keys * width;
    for (int k0 = 0; k0 < keys; k0 += 16)
      for (int d = 0; d < width; d++)
        for (int k = k0; k < keys && k < k0 + 16; k++) to[(size_t)k * width + d] = from[(size_t)d * op.y.stride + k];
  }
  pool_.sync();
  const int block = query_block(keys), blocks = (queries + block - 1) / block;
  const size_t stride = score_stride(block);
  uint8_t* own = panel_ + panel_bytes_ + (size_t)worker.index * private_bytes_;
  float* scores = (float*)(own + kProductScratch);
  float* mixed = scores + (size_t)padded(keys) * stride;
  float* sums = mixed + (size_t)padded(value_width) * stride;
  uint8_t* panel = (uint8_t*)(((uintptr_t)(sums + block) + 63) / 64 * 64);
  products.begin();
  for (int unit = worker.take(1); unit < batch * heads * blocks; unit = worker.take(1)) {
    const int head = unit / blocks, b = head / heads, h = head % heads, first = unit % blocks * block;
    const int count = queries - first < block ? queries - first : block;
    const size_t column = (size_t)b * queries + first;
    const auto pack = [&](const float* rows, size_t pitch, int k) {
      const int all = (k + products.k_multiple - 1) / products.k_multiple * products.k_multiple;
      products.pack_rows(panel, {k, count}, 0, all, [&](int i, int) { return i < k ? rows + i * pitch : nullptr; });
    };
    const auto multiply = [&](const float* left, size_t pitch, int rows, int k, float* c) {
      const WeightRows weight{(const uint8_t*)left, pitch * 4, WeightType::F32};
      for (int r = 0; r < rows; r += kRowChunk)
        products.multiply(weight.at(r, 0), rows - r < kRowChunk ? rows - r : kRowChunk, kRowChunk, {k, count}, panel, c + r * stride, stride, false, own);
    };
    pack(at(op.x) + (size_t)h * width * op.x.stride + column, (size_t)op.x.stride, width);
    multiply(turned + (size_t)head * keys * width, (size_t)width, keys, width, scores);
    layers_->softmax(scores, stride, keys, count, op.factor, sums);
    pack(scores, stride, keys);
    multiply(at(op.values) + (size_t)h * value_width * op.values.stride + (size_t)b * keys, (size_t)op.values.stride, value_width, keys, mixed);
    layers_->divide(mixed, stride, value_width, count, sums, at(op.out) + (size_t)h * value_width * op.out.stride + column, (size_t)op.out.stride);
  }
  products.end();
  pool_.sync();
}

}  // namespace triptych
