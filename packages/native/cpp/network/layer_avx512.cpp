#include "ops/vec_avx512.h"

#include "network/layer_kernels.inl"

namespace triptych {
const LayerKernels& layer_kernels_avx512() { return kKernels; }
}  // namespace triptych
