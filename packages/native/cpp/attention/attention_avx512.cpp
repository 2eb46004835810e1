#include "attention/attention_kernels.h"
#include "attention/transpose_avx512.h"
#include "ops/vec_avx512.h"

namespace triptych {
namespace {

constexpr int kRowTile = 8;
constexpr int kDimMultiple = 32;
inline int padded_dims(int head_dim) { return (head_dim + kDimMultiple - 1) / kDimMultiple * kDimMultiple; }

template <class T> void pack_k_sub(const uint8_t* source, size_t stride, int tokens, int head_dim, float* out, PrefetchCursor& cursor);

template <> void pack_k_sub<uint16_t>(const uint8_t* source, size_t stride, int tokens, int head_dim, float* out, PrefetchCursor& cursor) {
  alignas(64) uint16_t t[32 * 16];
  const int padded = padded_dims(head_dim);
  for (int d = 0; d < padded; d += 32) {
    const int left = head_dim - d;
    if (tokens == 16 && left >= 32) transpose_f16(source + d * 2, stride, 16, 0xffffffffu, t);
    else transpose_f16(source + d * 2, stride, tokens, left >= 32 ? 0xffffffffu : (1u << left) - 1, t);
#pragma GCC unroll 8
    for (int i = 0; i < 32; i += 2) {
      cursor.fetch(1);
      Vec::load(t + i * 16).store(out + (d + i) * 16);
      Vec::load(t + i * 16 + 16).store(out + (d + i) * 16 + 16);
    }
  }
}

template <> void pack_k_sub<float>(const uint8_t* source, size_t stride, int tokens, int head_dim, float* out, PrefetchCursor& cursor) {
  const int padded = padded_dims(head_dim);
  for (int d = 0; d < padded; d += 16) {
    const int left = head_dim - d;
    cursor.fetch(8);
    __m512 r[16];
    transpose_f32(source + d * 4, stride, tokens, left >= 16 ? 0xffff : left > 0 ? (__mmask16)((1u << left) - 1) : 0, r);
    for (int i = 0; i < 16; i++) _mm512_storeu_ps(out + packed_dim(d + i) * 16, r[i]);
  }
}

}  // namespace
}  // namespace triptych

#include "attention/attention_kernels.inl"

namespace triptych {
const AttentionKernels& attention_kernels_avx512() { return kAttentionKernels; }
}  // namespace triptych
