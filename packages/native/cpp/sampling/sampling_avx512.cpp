#include "ops/vec_avx512.h"

#include "sampling/sampling_kernels.inl"

namespace triptych {
const SamplingKernels& sampling_kernels_avx512() { return kSamplingKernels; }
}  // namespace triptych
