#include "ops/vec_portable.h"

#include "sampling/sampling_kernels.inl"

namespace triptych {
const SamplingKernels& sampling_kernels_portable() { return kSamplingKernels; }
}  // namespace triptych
