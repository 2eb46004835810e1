// The kernels of ops_kernels.h in terms of Vec; included by one file per instruction set.
#include "ops/ops_kernels.h"
#include "ops/vec_math.inl"

namespace triptych {
namespace {

constexpr float kLog2e = 1.44269504088896341f;

// Calls f(i, lanes) for i = 0, kLanes, ...: lanes == kLanes but for a shorter last step.
template <class F> inline void for_lanes(int n, F f) {
  int i = 0;
  for (; i + Vec::kLanes <= n; i += Vec::kLanes) f(i, Vec::kLanes);
  if (i < n) f(i, n - i);
}
template <class T> inline Vec load_part(const T* p, int lanes) {
  return lanes == Vec::kLanes ? Vec::load(p) : Vec::load_first(p, lanes);
}
template <class T> inline void store_part(Vec v, T* p, int lanes) {
  if (lanes == Vec::kLanes) v.store(p); else v.store_first(p, lanes);
}

void rms_norm_row(float* x, const float* add, const float* weight, float epsilon, float* out, int n) {
  Vec sum[4] = {Vec::zero(), Vec::zero(), Vec::zero(), Vec::zero()};
  for_lanes(n, [&](int i, int lanes) {
    Vec v = load_part(x + i, lanes);
    if (add) {
      v = v + load_part(add + i, lanes);
      store_part(v, x + i, lanes);
    }
    Vec& s = sum[i / Vec::kLanes & 3];
    s = Vec::fma(v, v, s);
  });
  const float mean = ((sum[0] + sum[1]) + (sum[2] + sum[3])).sum() / (float)n;
  const Vec scale = Vec::set(1.0f / __builtin_sqrtf(mean + epsilon));
  for_lanes(n, [&](int i, int lanes) { store_part(load_part(x + i, lanes) * scale * load_part(weight + i, lanes), out + i, lanes); });
}

void add_row(float* x, const float* y, int n) {
  for_lanes(n, [&](int i, int lanes) { store_part(load_part(x + i, lanes) + load_part(y + i, lanes), x + i, lanes); });
}

// 1 / (1 + 2^t)
inline Vec logistic(Vec t) { return Vec::set(1.0f) / (Vec::set(1.0f) + exp2_vec(t)); }

void silu_mul_row(const float* g, const float* u, float* out, int n) {
  for_lanes(n, [&](int i, int lanes) {
    const Vec x = load_part(g + i, lanes);
    store_part(x * logistic(x * Vec::set(-kLog2e)) * load_part(u + i, lanes), out + i, lanes);
  });
}

// 0.5 (1 + tanh y) = 1 / (1 + e^-2y), y = sqrt(2/pi) (x + 0.044715 x^3).
void gelu_mul_row(const float* g, const float* u, float* out, int n) {
  const Vec linear = Vec::set(-2.0f * kLog2e * 0.797884560802865356f);
  const Vec cubic = Vec::set(-2.0f * kLog2e * 0.797884560802865356f * 0.044715f);
  for_lanes(n, [&](int i, int lanes) {
    const Vec x = load_part(g + i, lanes);
    store_part(x * logistic(x * Vec::fma(cubic, x * x, linear)) * load_part(u + i, lanes), out + i, lanes);
  });
}

// (a, b) -> (a cos - b sin, a sin + b cos)
inline void rotate(Vec& a, Vec& b, Vec c, Vec s) {
  const Vec x = Vec::fma(a, c, Vec::zero() - b * s);
  b = Vec::fma(a, s, b * c);
  a = x;
}

void rope_neox_head(const float* x, const float* cos, const float* sin, int half, float* out) {
  for_lanes(half, [&](int i, int lanes) {
    Vec a = load_part(x + i, lanes), b = load_part(x + half + i, lanes);
    rotate(a, b, load_part(cos + i, lanes), load_part(sin + i, lanes));
    store_part(a, out + i, lanes);
    store_part(b, out + half + i, lanes);
  });
}

void rope_norm_head(const float* x, const float* cos, const float* sin, int half, float* out) {
  int i = 0;
  for (; i + Vec::kLanes <= half; i += Vec::kLanes) {
    Vec a, b;
    Vec::load_pairs(x + 2 * i, a, b);
    rotate(a, b, Vec::load(cos + i), Vec::load(sin + i));
    Vec::store_pairs(out + 2 * i, a, b);
  }
  if (i == half) return;
  // The rest through a full-width buffer.
  float t[2 * Vec::kLanes] = {};
  const int rest = half - i;
  for (int j = 0; j < 2 * rest; j++) t[j] = x[2 * i + j];
  Vec a, b;
  Vec::load_pairs(t, a, b);
  rotate(a, b, Vec::load_first(cos + i, rest), Vec::load_first(sin + i, rest));
  Vec::store_pairs(t, a, b);
  for (int j = 0; j < 2 * rest; j++) out[2 * i + j] = t[j];
}

template <class From, class To> void convert(const From* in, To* out, size_t n) {
  size_t i = 0;
  for (; i + Vec::kLanes <= n; i += Vec::kLanes) Vec::load(in + i).store(out + i);
  if (i < n) Vec::load_first(in + i, (int)(n - i)).store_first(out + i, (int)(n - i));
}

constexpr OpsKernels kOpsKernels = {rms_norm_row, add_row, silu_mul_row, gelu_mul_row,
                                    rope_norm_head, rope_neox_head, convert<uint16_t, float>, convert<float, uint16_t>};

}  // namespace
}  // namespace triptych
