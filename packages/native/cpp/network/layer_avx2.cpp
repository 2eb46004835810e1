#include "ops/vec_avx2.h"

#include "network/layer_kernels.inl"

namespace triptych {
const LayerKernels& layer_kernels_avx2() { return kKernels; }
}  // namespace triptych
