// The passes of sampling that run over the whole vocabulary: one table of functions per instruction set.
#pragma once

namespace triptych {

struct SamplingKernels {
  // out = in with NaN as -infinity and +infinity as the largest float; returns the maximum. n >= 1.
  float (*sanitize)(const float* in, float* out, int n);
  float (*max)(const float* x, int n);
  // Sum over i of w[i] = 2^((x[i] - max) * scale), 0 where the exponent is below -126; stores w if it is not null.
  // Every partial sum is f32 over at most kExpBlock elements; block (if not null) receives one sum per kExpBlock.
  double (*exp_sum)(const float* x, int n, float max, float scale, float* w, float* block);
  // The first i >= from with x[i] > limit, or n.
  int (*next_greater)(const float* x, int from, int n, float limit);
};
constexpr int kExpBlock = 1024;

const SamplingKernels& sampling_kernels_portable();
const SamplingKernels& sampling_kernels_avx2();    // only with TRIPTYCH_X86
const SamplingKernels& sampling_kernels_avx512();  // only with TRIPTYCH_X86

}  // namespace triptych
