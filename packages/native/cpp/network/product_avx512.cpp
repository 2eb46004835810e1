#include "ops/vec_avx512.h"

#include "network/product_kernels.inl"

namespace triptych {
const ProductKernels& product_kernels_avx512() { return kKernels; }
}  // namespace triptych
