#include "ops/vec_portable.h"

#include "network/product_kernels.inl"

namespace triptych {
const ProductKernels& product_kernels_portable() { return kKernels; }
}  // namespace triptych
