#include "attention/attention_kernels.h"
#include "ops/vec_portable.h"

namespace triptych {
namespace {
constexpr int kRowTile = 4;
constexpr int kDimMultiple = 8;
}  // namespace
}  // namespace triptych

#include "attention/attention_kernels.inl"

namespace triptych {
namespace {
constexpr AttentionKernels kKernels = kernel_table(nullptr, nullptr);
}
const AttentionKernels& attention_kernels_portable() { return kKernels; }
}  // namespace triptych
