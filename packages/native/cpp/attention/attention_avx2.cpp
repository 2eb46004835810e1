#include "attention/attention_kernels.h"
#include "ops/vec_avx2.h"

namespace triptych {
namespace {

constexpr int kRowTile = 4;
constexpr int kDimMultiple = 16;
inline int packed_dim(int d) { return d; }
inline int padded_dims(int head_dim) { return (head_dim + kDimMultiple - 1) / kDimMultiple * kDimMultiple; }

// Eight rows of eight floats -> eight columns.
inline void transpose8(__m256 r[8]) {
  __m256 a[8];
  for (int i = 0; i < 4; i++) {
    a[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    a[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  __m256 b[8];
  for (int i = 0; i < 2; i++) {
    b[4 * i] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
    b[4 * i + 1] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0xee);
    b[4 * i + 2] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
    b[4 * i + 3] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xee);
  }
  for (int i = 0; i < 4; i++) {
    r[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
    r[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
  }
}

// [16 tokens][head_dim] -> [dim][16 tokens]; absent tokens and padding dims are 0. head_dim is a multiple of 8.
template <class T> void pack_k_sub(const uint8_t* source, size_t stride, int tokens, int head_dim, float* out, PrefetchCursor& cursor) {
  const int padded = padded_dims(head_dim);
  for (int half = 0; half < kSubTile; half += 8) {
    for (int d = 0; d < head_dim; d += 8) {
      cursor.fetch(2);
      __m256 r[8];
      for (int t = 0; t < 8; t++)
        r[t] = half + t < tokens ? Vec::load((const T*)(source + (size_t)(half + t) * stride) + d).v : _mm256_setzero_ps();
      transpose8(r);
      for (int i = 0; i < 8; i++) _mm256_storeu_ps(out + (d + i) * kSubTile + half, r[i]);
    }
    for (int d = head_dim; d < padded; d++) Vec::zero().store(out + d * kSubTile + half);
  }
}

}  // namespace
}  // namespace triptych

#include "attention/attention_kernels.inl"

namespace triptych {
namespace {
constexpr AttentionKernels kKernels = kernel_table(nullptr);
}
const AttentionKernels& attention_kernels_avx2() { return kKernels; }
}  // namespace triptych
