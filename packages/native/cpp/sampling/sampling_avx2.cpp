#include "ops/vec_avx2.h"

#include "sampling/sampling_kernels.inl"

namespace triptych {
const SamplingKernels& sampling_kernels_avx2() { return kSamplingKernels; }
}  // namespace triptych
