#include "ops/vec_avx2.h"

#include "network/product_kernels.inl"

namespace triptych {
const ProductKernels& product_kernels_avx2() { return kKernels; }
}  // namespace triptych
