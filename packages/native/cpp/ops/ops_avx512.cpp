#include "ops/vec_avx512.h"

#include "ops/ops_kernels.inl"

namespace triptych {
const OpsKernels& ops_kernels_avx512() { return kOpsKernels; }
}  // namespace triptych
