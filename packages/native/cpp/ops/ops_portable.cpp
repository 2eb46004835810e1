#include "ops/vec_portable.h"

#include "ops/ops_kernels.inl"

namespace triptych {
const OpsKernels& ops_kernels_portable() { return kOpsKernels; }
}  // namespace triptych
