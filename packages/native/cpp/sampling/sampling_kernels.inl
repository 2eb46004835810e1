// The kernels of sampling_kernels.h in terms of Vec; included by one file per instruction set.
#include "sampling/sampling_kernels.h"
#include "ops/vec_math.inl"

namespace triptych {
namespace {

constexpr float kInfinity = __builtin_inff();
constexpr float kLargest = 3.402823466e38f;

// First n lanes of p; the others are -infinity, which no maximum notices.
inline Vec load_or_lowest(const float* p, int n) {
  return n >= Vec::kLanes ? Vec::load(p) : Vec::first_or(Vec::load_first(p, n), n, Vec::set(-kInfinity));
}

float max_row(const float* x, int n) {
  Vec m[4] = {Vec::set(-kInfinity), Vec::set(-kInfinity), Vec::set(-kInfinity), Vec::set(-kInfinity)};
  for (int i = 0, j = 0; i < n; i += Vec::kLanes, j = (j + 1) & 3) m[j] = Vec::max(m[j], load_or_lowest(x + i, n - i));
  return Vec::max(Vec::max(m[0], m[1]), Vec::max(m[2], m[3])).max_lane();
}

float sanitize_row(const float* in, float* out, int n) {
  Vec m = Vec::set(-kInfinity);
  for (int i = 0; i < n; i += Vec::kLanes) {
    // max(a, b) gives b if a is NaN.
    const Vec v = Vec::min(Vec::set(kLargest), Vec::max(load_or_lowest(in + i, n - i), Vec::set(-kInfinity)));
    if (n - i >= Vec::kLanes) v.store(out + i); else v.store_first(out + i, n - i);
    m = Vec::max(m, v);
  }
  return m.max_lane();
}

double exp_sum_row(const float* x, int n, float max, float scale, float* w, float* block) {
  double total = 0;
  for (int b = 0; b < n; b += kExpBlock) {
    const int end = n - b < kExpBlock ? n : b + kExpBlock;
    Vec s[4] = {Vec::zero(), Vec::zero(), Vec::zero(), Vec::zero()};
    for (int i = b, j = 0; i < end; i += Vec::kLanes, j = (j + 1) & 3) {
      // exp2_vec stops at 2^-126; subtracting that gives 0 there and changes nothing above 2^-102.
      const Vec e = exp2_vec((load_or_lowest(x + i, end - i) - Vec::set(max)) * Vec::set(scale)) - Vec::set(1.17549435e-38f);
      if (w) {
        if (end - i >= Vec::kLanes) e.store(w + i); else e.store_first(w + i, end - i);
      }
      s[j] = s[j] + e;
    }
    const float sum = ((s[0] + s[1]) + (s[2] + s[3])).sum();
    if (block) block[b / kExpBlock] = sum;
    total += sum;
  }
  return total;
}

int next_greater_row(const float* x, int from, int n, float limit) {
  const Vec l = Vec::set(limit);
  int i = from;
  for (; i + 4 * Vec::kLanes <= n; i += 4 * Vec::kLanes) {
    const Vec a = Vec::max(Vec::load(x + i), Vec::load(x + i + Vec::kLanes));
    const Vec b = Vec::max(Vec::load(x + i + 2 * Vec::kLanes), Vec::load(x + i + 3 * Vec::kLanes));
    if (Vec::any_greater(Vec::max(a, b), l)) break;
  }
  for (; i < n; i++)
    if (x[i] > limit) return i;
  return n;
}

constexpr SamplingKernels kSamplingKernels = {sanitize_row, max_row, exp_sum_row, next_greater_row};

}  // namespace
}  // namespace triptych
