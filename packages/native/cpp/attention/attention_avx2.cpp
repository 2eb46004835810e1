#include "attention/attention_kernels.h"
#include "ops/vec_avx2.h"

namespace triptych {
namespace {
constexpr int kRowTile = 4;
constexpr int kDimMultiple = 16;
}  // namespace
}  // namespace triptych

#include "attention/attention_kernels.inl"

namespace triptych {
namespace {
constexpr AttentionKernels kKernels = kernel_table(nullptr, nullptr);
}
const AttentionKernels& attention_kernels_avx2() { return kKernels; }
}  // namespace triptych
