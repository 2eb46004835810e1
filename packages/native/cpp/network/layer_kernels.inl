// Kernels of layer_kernels.h in terms of Vec.
#include <math.h>
#include <string.h>

#include "network/layer_kernels.h"
#include "ops/vec_math.inl"

namespace triptych {
namespace {

constexpr float kLog2E = 1.44269504088896341f;

inline Vec exp_vec(Vec x) { return exp2_vec(x * Vec::set(kLog2E)); }
inline Vec swish_vec(Vec x, Vec slope) { return x / (Vec::set(1.0f) + exp_vec(Vec::zero() - x * slope)); }

// erf by Abramowitz and Stegun 7.1.26, error below 2e-7; gelu(x) = x / 2 (1 + erf(x / sqrt 2)).
inline Vec gelu_vec(Vec x) {
  const Vec u = x * Vec::set(0.70710678118654752f), one = Vec::set(1.0f);
  const Vec size = Vec::max(u, Vec::zero() - u);
  const Vec t = one / Vec::fma(Vec::set(0.3275911f), size, one);
  Vec p = Vec::set(1.061405429f);
  p = Vec::fma(p, t, Vec::set(-1.453152027f));
  p = Vec::fma(p, t, Vec::set(1.421413741f));
  p = Vec::fma(p, t, Vec::set(-0.284496736f));
  p = Vec::fma(p, t, Vec::set(0.254829592f));
  const Vec tail = p * t * exp_vec(Vec::zero() - size * size);  // 1 - erf(|u|)
  // x/2 (1 + erf(u)) = max(x, 0) - |x|/2 tail, which keeps small results on the negative side exact.
  const Vec half = Vec::max(x, Vec::zero() - x) * Vec::set(0.5f);
  return Vec::max(Vec::zero(), x) - half * tail;
}

// f(load, store, offset) over count floats, the last ones masked.
template <class F> inline void over(int count, F f) {
  int i = 0;
  for (; i + Vec::kLanes <= count; i += Vec::kLanes)
    f([i](const float* p) { return Vec::load(p + i); }, [i](float* p, Vec v) { v.store(p + i); });
  const int left = count - i;
  if (left > 0)
    f([i, left](const float* p) { return Vec::load_first(p + i, left); }, [i, left](float* p, Vec v) { v.store_first(p + i, left); });
}

void group_norm(const float* x, size_t x_stride, int channels, int count, const float* weight, const float* bias, float epsilon, bool swish,
                float* y, size_t y_stride) {
  const double total = (double)channels * count;
  double sum = 0;
  for (int c = 0; c < channels; c++) {
    Vec s = Vec::zero();
    over(count, [&](auto load, auto) { s = s + load(x + c * x_stride); });
    sum += s.sum();
  }
  const float mean = (float)(sum / total);
  double squares = 0;
  for (int c = 0; c < channels; c++) {
    Vec s = Vec::zero();
    int i = 0;
    const float* row = x + c * x_stride;
    for (; i + Vec::kLanes <= count; i += Vec::kLanes) {
      const Vec d = Vec::load(row + i) - Vec::set(mean);
      s = Vec::fma(d, d, s);
    }
    squares += s.sum();
    for (; i < count; i++) squares += (double)(row[i] - mean) * (row[i] - mean);
  }
  const float inverse = (float)(1.0 / sqrt(squares / total + epsilon));
  for (int c = 0; c < channels; c++) {
    const Vec scale = Vec::set(weight[c] * inverse), shift = Vec::set(bias[c] - mean * (weight[c] * inverse));
    if (swish)
      over(count, [&](auto load, auto store) { store(y + c * y_stride, swish_vec(Vec::fma(load(x + c * x_stride), scale, shift), Vec::set(1.0f))); });
    else
      over(count, [&](auto load, auto store) { store(y + c * y_stride, Vec::fma(load(x + c * x_stride), scale, shift)); });
  }
}

void layer_norm(const float* x, size_t x_stride, int channels, int columns, const float* weight, const float* bias, float epsilon, float* y,
                size_t y_stride) {
  over(columns, [&](auto load, auto store) {
    Vec sum = Vec::zero();
    for (int c = 0; c < channels; c++) sum = sum + load(x + c * x_stride);
    const Vec mean = sum / Vec::set((float)channels);
    Vec squares = Vec::zero();
    for (int c = 0; c < channels; c++) {
      const Vec d = load(x + c * x_stride) - mean;
      squares = Vec::fma(d, d, squares);
    }
    float lanes[Vec::kLanes];
    (squares / Vec::set((float)channels)).store(lanes);
    for (int i = 0; i < Vec::kLanes; i++) lanes[i] = 1.0f / sqrtf(lanes[i] + epsilon);
    const Vec inverse = Vec::load(lanes);
    for (int c = 0; c < channels; c++)
      store(y + c * y_stride, Vec::fma((load(x + c * x_stride) - mean) * inverse, Vec::set(weight[c]), Vec::set(bias[c])));
  });
}

void activate(const float* x, float* y, int count, Activation kind, float slope) {
  switch (kind) {
    case Activation::Swish: return over(count, [&](auto load, auto store) { store(y, swish_vec(load(x), Vec::set(slope))); });
    case Activation::Gelu: return over(count, [&](auto load, auto store) { store(y, gelu_vec(load(x))); });
    case Activation::Cos: for (int i = 0; i < count; i++) y[i] = cosf(x[i]); return;
    case Activation::Sin: for (int i = 0; i < count; i++) y[i] = sinf(x[i]); return;
    case Activation::None: memmove(y, x, (size_t)count * sizeof(float)); return;
  }
}

void add(const float* x, const float* y, float* out, int count) {
  over(count, [&](auto load, auto store) { store(out, load(x) + load(y)); });
}

void geglu(const float* value, const float* gate, float* out, int count) {
  over(count, [&](auto load, auto store) { store(out, load(value) * gelu_vec(load(gate))); });
}

void softmax(float* scores, size_t stride, int keys, int columns, float factor, float* sums) {
  const Vec scale = Vec::set(factor * kLog2E);
  over(columns, [&](auto load, auto store) {
    Vec top = load(scores);
    for (int k = 1; k < keys; k++) top = Vec::max(top, load(scores + k * stride));
    Vec sum = Vec::zero();
    for (int k = 0; k < keys; k++) {
      const Vec p = exp2_vec((load(scores + k * stride) - top) * scale);
      store(scores + k * stride, p);
      sum = sum + p;
    }
    store(sums, sum);
  });
}

void divide(const float* x, size_t x_stride, int rows, int columns, const float* sums, float* y, size_t y_stride) {
  over(columns, [&](auto load, auto store) {
    const Vec inverse = Vec::set(1.0f) / load(sums);
    for (int r = 0; r < rows; r++) store(y + r * y_stride, load(x + r * x_stride) * inverse);
  });
}

void begin_sum(float bias, const float* residual, float* y, int count) {
  const Vec start = Vec::set(bias);
  if (residual) over(count, [&](auto load, auto store) { store(y, load(residual) + start); });
  else over(count, [&](auto, auto store) { store(y, start); });
}

inline void copy(float* to, const float* from, int count) {
  over(count, [&](auto load, auto store) { store(to, load(from)); });
}

void window_line(const float* x, const ImageWindow& w, int ky, int kx, int from, int to, float* line) {
  const int real_height = w.in_height / w.enlarge, real_width = w.in_width / w.enlarge;
  const size_t image = (size_t)real_height * real_width;
  int row = from / w.out_width, column = from % w.out_width;
  for (int at = from; at < to; row++, column = 0) {
    const int count = w.out_width - column < to - at ? w.out_width - column : to - at;
    const int b = row / w.out_height, y = row % w.out_height * w.stride_y + ky - w.pad_top;
    float* out = line + (at - from);
    at += count;
    if (y < 0 || y >= w.in_height) {
      begin_sum(0, nullptr, out, count);
      continue;
    }
    const float* source = x + b * image + (size_t)(y / w.enlarge) * real_width;
    const int first = column * w.stride_x + kx - w.pad_left;
    if (w.stride_x == 1 && w.enlarge == 1) {
      const int before = first < 0 ? (-first < count ? -first : count) : 0;
      int inside = w.in_width - (first + before);
      inside = inside < 0 ? 0 : inside < count - before ? inside : count - before;
      for (int i = 0; i < before; i++) out[i] = 0;
      copy(out + before, source + first + before, inside);
      for (int i = before + inside; i < count; i++) out[i] = 0;
      continue;
    }
    for (int i = 0, at_x = first; i < count; i++, at_x += w.stride_x)
      out[i] = at_x < 0 || at_x >= w.in_width ? 0.0f : source[w.enlarge == 1 ? at_x : at_x / w.enlarge];
  }
}

constexpr LayerKernels kKernels = {group_norm, layer_norm, activate, add, geglu, softmax, divide, begin_sum, window_line};

}  // namespace
}  // namespace triptych
