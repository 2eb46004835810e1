#include "ops/vec_avx2.h"

#include "ops/ops_kernels.inl"

namespace triptych {
const OpsKernels& ops_kernels_avx2() { return kOpsKernels; }
}  // namespace triptych
