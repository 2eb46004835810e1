#include "attention/attention_kernels.h"
#include "ops/vec_portable.h"

namespace triptych {
namespace {

constexpr int kRowTile = 4;
constexpr int kDimMultiple = 8;
inline int packed_dim(int d) { return d; }

inline float element(uint16_t x) { return f16_to_f32(x); }
inline float element(float x) { return x; }

template <class T> void pack_k(const uint8_t* source, size_t stride, int tokens, int head_dim, int sub, float* k, PrefetchCursor& cursor) {
  float* out = k + (size_t)sub * (size_t)(head_dim * kSubTile);
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
const AttentionKernels& attention_kernels_portable() { return kAttentionKernels; }
}  // namespace triptych
