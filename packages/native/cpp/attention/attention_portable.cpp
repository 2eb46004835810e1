#include "attention/attention_kernels.h"
#include "ops/vec_portable.h"

namespace triptych {
namespace {

constexpr int kRowTile = 4;
constexpr int kDimMultiple = 8;
inline int packed_dim(int d) { return d; }
inline int padded_dims(int head_dim) { return (head_dim + kDimMultiple - 1) / kDimMultiple * kDimMultiple; }

inline float element(uint16_t x) { return f16_to_f32(x); }
inline float element(float x) { return x; }

template <class T> void pack_k_sub(const uint8_t* source, size_t stride, int tokens, int head_dim, float* out, PrefetchCursor& cursor) {
  cursor.fetch(head_dim / 2);
  for (int t = 0; t < kSubTile; t++) {
    const T* row = (const T*)(source + (size_t)t * stride);
    for (int d = 0; d < head_dim; d++) out[d * kSubTile + t] = t < tokens ? element(row[d]) : 0.0f;
  }
}

}  // namespace
}  // namespace triptych

#include "attention/attention_kernels.inl"

namespace triptych {
namespace {
constexpr AttentionKernels kKernels = kernel_table(nullptr);
}
const AttentionKernels& attention_kernels_portable() { return kKernels; }
}  // namespace triptych
