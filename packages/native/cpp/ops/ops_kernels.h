// The single-row kernels behind ops.h: one table of functions per instruction set.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace triptych {

struct OpsKernels {
  void (*rms_norm)(float* x, const float* add, const float* weight, float epsilon, float* out, int n);
  void (*add)(float* x, const float* y, int n);
  void (*silu_mul)(const float* g, const float* u, float* out, int n);
  void (*gelu_mul)(const float* g, const float* u, float* out, int n);
  // One head: out[2i], out[2i+1] or out[i], out[i+half] rotated by cos[i], sin[i], i < half. out may be x.
  void (*rope_norm)(const float* x, const float* cos, const float* sin, int half, float* out);
  void (*rope_neox)(const float* x, const float* cos, const float* sin, int half, float* out);
  void (*f16_to_f32)(const uint16_t* in, float* out, size_t n);
  void (*f32_to_f16)(const float* in, uint16_t* out, size_t n);
};

const OpsKernels& ops_kernels_portable();
const OpsKernels& ops_kernels_avx2();    // only with TRIPTYCH_X86
const OpsKernels& ops_kernels_avx512();  // only with TRIPTYCH_X86

}  // namespace triptych
