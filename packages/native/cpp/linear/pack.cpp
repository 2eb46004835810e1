// GGUF rows to packed panels and back. Plain loops over 4-byte moves: loading is bound by the page cache, not by these.
#include <string.h>

#include "core/f16.h"
#include "linear/layout.h"

namespace triptych {
namespace {

constexpr size_t kGgufQ8 = 34, kGgufQ4 = 18;  // [f16 scale][32 int8] and [f16 scale][16 bytes of nibbles]

inline void move4(uint8_t* dst, const uint8_t* src) { uint32_t v; memcpy(&v, src, 4); memcpy(dst, &v, 4); }

// One panel; `rows` points at its first row, `columns` of the 32 exist.
void pack_q8(const uint8_t* rows, size_t stride, int columns, int blocks, uint8_t* dst) {
  for (int b = 0; b < blocks; b++, dst += kQ8BlockBytes) {
    if (columns < kPanel) memset(dst, 0, kQ8BlockBytes);
    for (int c = 0; c < columns; c++) {
      const uint8_t* src = rows + (size_t)c * stride + (size_t)b * kGgufQ8;
      memcpy(dst + c * 2, src, 2);
      uint8_t* q = dst + kScaleBytes + c * 4;  // column c of half c / 16: (c / 16) * 64 + (c % 16) * 4
      for (int g = 0; g < 8; g++) move4(q + g * 128, src + 2 + g * 4);
    }
  }
}

void pack_q4(const uint8_t* rows, size_t stride, int columns, int blocks, uint8_t* dst) {
  for (int b = 0; b < blocks; b++, dst += kQ4BlockBytes) {
    if (columns < kPanel) memset(dst, 0, kScaleBytes), memset(dst + kScaleBytes, 0x88, kQ4BlockBytes - kScaleBytes);
    for (int c = 0; c < columns; c++) {
      const uint8_t* src = rows + (size_t)c * stride + (size_t)b * kGgufQ4;
      memcpy(dst + c * 2, src, 2);
      uint8_t* q = dst + kScaleBytes + c * 4;
      for (int g = 0; g < 4; g++) move4(q + g * 128, src + 2 + g * 4);
    }
  }
}

// Transposes in tiles of 16 k, so that both sides stay within a few cache lines.
template <class T>
void pack_floats(const uint8_t* rows, size_t stride, int columns, int k, uint8_t* dst) {
  if (columns < kPanel) memset(dst, 0, (size_t)k * kPanel * sizeof(T));
  T* out = (T*)dst;
  for (int k0 = 0; k0 < k; k0 += 16) {
    const int count = k - k0 < 16 ? k - k0 : 16;
    for (int c = 0; c < columns; c++) {
      T v[16];
      memcpy(v, rows + (size_t)c * stride + (size_t)k0 * sizeof(T), (size_t)count * sizeof(T));
      for (int i = 0; i < count; i++) out[(size_t)(k0 + i) * kPanel + c] = v[i];
    }
  }
}

void pack_bf16(const uint8_t* rows, size_t stride, int columns, int k, uint8_t* dst) {
  if (columns < kPanel || k % 2) memset(dst, 0, panel_bytes(WeightType::BF16, k));
  constexpr int kTile = 32;  // as above: a cache line of a row at a time
  for (int k0 = 0; k0 < k; k0 += kTile) {
    const int count = k - k0 < kTile ? k - k0 : kTile;
    for (int c = 0; c < columns; c++) {
      const uint8_t* src = rows + (size_t)c * stride + (size_t)k0 * 2;
      uint8_t* out = dst + (size_t)(k0 / 2) * kPairBytes + c * 4;
      for (int i = 0; i + 2 <= count; i += 2) move4(out + (size_t)(i / 2) * kPairBytes, src + i * 2);
      if (count % 2) memcpy(out + (size_t)(count / 2) * kPairBytes, src + (count - 1) * 2, 2);
    }
  }
}

}  // namespace

bool weight_type_supported(int id) {
  return id == (int)WeightType::F32 || id == (int)WeightType::F16 || id == (int)WeightType::BF16 ||
         id == (int)WeightType::Q8_0 || id == (int)WeightType::Q4_0;
}

int weight_block(WeightType type) { return is_int8(type) ? kBlock : 1; }

size_t row_bytes(WeightType type, int k) {
  if (type == WeightType::Q8_0) return (size_t)(k / kBlock) * kGgufQ8;
  if (type == WeightType::Q4_0) return (size_t)(k / kBlock) * kGgufQ4;
  return (size_t)k * element_bytes(type);
}

int panel_count(int n) { return (n + kPanel - 1) / kPanel; }

size_t packed_bytes(WeightType type, int n, int k) { return panel_bytes(type, k) * (size_t)panel_count(n); }

void pack_panels(WeightType type, const uint8_t* gguf_rows, int n, int k, int panel0, int panel1, uint8_t* dst) {
  const size_t stride = row_bytes(type, k);
  for (int p = panel0; p < panel1; p++) {
    const uint8_t* rows = gguf_rows + (size_t)p * kPanel * stride;
    uint8_t* out = dst + (size_t)p * panel_bytes(type, k);
    const int columns = n - p * kPanel < kPanel ? n - p * kPanel : kPanel;
    switch (type) {
      case WeightType::Q8_0: pack_q8(rows, stride, columns, k / kBlock, out); break;
      case WeightType::Q4_0: pack_q4(rows, stride, columns, k / kBlock, out); break;
      case WeightType::F32: pack_floats<uint32_t>(rows, stride, columns, k, out); break;
      case WeightType::BF16: pack_bf16(rows, stride, columns, k, out); break;
      case WeightType::F16: pack_floats<uint16_t>(rows, stride, columns, k, out); break;
    }
  }
}

void unpack_row(const PackedWeights& w, int row, float* out) {
  const uint8_t* panel = w.data + (size_t)(row / kPanel) * panel_bytes(w.type, w.k);
  const int c = row % kPanel;
  if (!is_int8(w.type)) {
    for (int i = 0; i < w.k; i++) {
      const uint8_t* e = panel + float_offset(w.type, i, c);
      if (w.type == WeightType::F32) { memcpy(out + i, e, 4); continue; }
      uint16_t h;
      memcpy(&h, e, 2);
      out[i] = w.type == WeightType::F16 ? f16_to_f32(h) : bf16_to_f32(h);
    }
    return;
  }
  for (int b = 0; b < w.k / kBlock; b++, panel += block_bytes(w.type), out += kBlock) {
    uint16_t h;
    memcpy(&h, panel + c * 2, 2);
    const float scale = f16_to_f32(h);
    const uint8_t* q = panel + kScaleBytes + c * 4;
    if (w.type == WeightType::Q8_0) {
      for (int i = 0; i < kBlock; i++) out[i] = scale * (float)(int8_t)q[(i / 4) * 128 + i % 4];
    } else {
      for (int i = 0; i < kBlock / 2; i++) {
        const int v = q[(i / 4) * 128 + i % 4];
        out[i] = scale * (float)((v & 15) - 8);
        out[i + 16] = scale * (float)((v >> 4) - 8);
      }
    }
  }
}

}  // namespace triptych
