#include "ops/vec_portable.h"

#include "network/layer_kernels.inl"

namespace triptych {
const LayerKernels& layer_kernels_portable() { return kKernels; }
}  // namespace triptych
