// Random GGUF matrices, their float64 values, and a runner for linear layers: shared by the linear_*_test files.
#pragma once
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/f16.h"
#include "core/pool.h"
#include "linear/linear.h"
#include "test/check.h"
#include "test/isas.h"

namespace triptych::test {

inline const std::vector<WeightType>& all_types() {
  static const std::vector<WeightType> types{WeightType::F32, WeightType::F16, WeightType::BF16, WeightType::Q8_0, WeightType::Q4_0};
  return types;
}
inline bool is_quantised(WeightType t) { return t == WeightType::Q8_0 || t == WeightType::Q4_0; }

inline bool quick() { return std::getenv("TRIPTYCH_TEST_QUICK") != nullptr; }

// 64-byte aligned, exactly as long as asked, so that the address sanitizer sees every step beyond.
struct Aligned {
  uint8_t* data;
  explicit Aligned(size_t bytes) : data((uint8_t*)std::aligned_alloc(64, (bytes + 63) / 64 * 64)) { std::memset(data, 0, bytes); }
  ~Aligned() { std::free(data); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
};

// A matrix as a GGUF file holds it, its true values, and its packed form.
struct Matrix {
  WeightType type;
  int n, k;
  std::vector<uint8_t> gguf;    // starts one byte late: rows of a mapped file have no alignment
  std::vector<double> values;   // [n, k]
  Aligned packed;
  PackedWeights weights;

  Matrix(WeightType t, int rows, int columns, uint64_t seed, int slices = 1)
      : type(t), n(rows), k(columns), gguf(row_bytes(t, columns) * (size_t)rows + 1), values((size_t)rows * (size_t)columns),
        packed(packed_bytes(t, rows, columns)), weights{t, rows, columns, packed.data} {
    Rng rng(seed);
    for (int r = 0; r < n; r++) fill_row(rng, gguf.data() + 1 + row_bytes(t, k) * (size_t)r, values.data() + (size_t)r * k);
    const int panels = panel_count(n);
    for (int s = 0; s < slices; s++)
      pack_panels(t, gguf.data() + 1, n, k, panels * s / slices, panels * (s + 1) / slices, packed.data);
  }

  void fill_row(Rng& rng, uint8_t* out, double* v) const {
    if (!is_quantised(type)) {
      for (int i = 0; i < k; i++) {
        const float w = rng.gauss() * 0.05f;
        if (type == WeightType::F32) { std::memcpy(out + i * 4, &w, 4); v[i] = w; continue; }
        const uint16_t h = type == WeightType::F16 ? f32_to_f16(w) : (uint16_t)(f32_to_bits(w) >> 16);
        std::memcpy(out + i * 2, &h, 2);
        v[i] = type == WeightType::F16 ? f16_to_f32(h) : bf16_to_f32(h);
      }
      return;
    }
    for (int b = 0; b < k / 32; b++, v += 32) {
      const bool q8 = type == WeightType::Q8_0;
      const uint16_t h = f32_to_f16((0.5f + rng.uniform()) * (q8 ? 4e-4f : 6e-3f) * (rng.below(2) ? 1.0f : -1.0f));
      std::memcpy(out, &h, 2);
      const double d = f16_to_f32(h);
      if (q8) {
        for (int i = 0; i < 32; i++) {
          // -128 does not come from ggml's own quantiser but is a legal byte.
          const float g = rng.gauss() * 45.0f;
          const int q = rng.below(64) == 0 ? -128 : g > 127 ? 127 : g < -127 ? -127 : (int)g;
          out[2 + i] = (uint8_t)q;
          v[i] = d * q;
        }
      } else {
        for (int i = 0; i < 16; i++) {
          out[2 + i] = (uint8_t)rng.below(256);
          v[i] = d * ((out[2 + i] & 15) - 8);
          v[i + 16] = d * ((out[2 + i] >> 4) - 8);
        }
      }
      out += q8 ? 34 : 18;
    }
  }
};

// y[rows, n_i] of every part, rows spaced n_i + 3 apart; the gaps and a border hold `kUntouched`.
constexpr float kUntouched = -12345.5f;
struct Result {
  std::vector<std::vector<float>> y;
  std::vector<int> n;
  const float* row(int part, int r) const { return y[part].data() + 8 + (size_t)r * (size_t)(n[part] + 3); }
};

inline Result run_linear(Isa isa, Pool& pool, const std::vector<const Matrix*>& parts, const float* x, size_t x_stride, int rows,
                         const LinearTuning* tuning = nullptr) {
  Result result;
  LinearTask task{};
  task.isa = isa;
  task.x = x;
  task.x_stride = x_stride;
  task.rows = rows;
  task.tuning = tuning;
  task.parts = (int)parts.size();
  result.y.resize(parts.size());
  for (size_t i = 0; i < parts.size(); i++) {
    const int n = parts[i]->n;
    result.n.push_back(n);
    result.y[i].assign((size_t)rows * (size_t)(n + 3) + 16, kUntouched);
    task.weights[i] = &parts[i]->weights;
    task.y[i] = result.y[i].data() + 8;
    task.y_stride[i] = (size_t)n + 3;
  }
  Aligned scratch(linear_scratch_bytes(parts[0]->type, rows, parts[0]->k, pool.size()));
  task.scratch = scratch.data;
  pool.run([&](const Worker& w) { linear_prepare(task, w); pool.sync(); linear_compute(task, w); });
  return result;
}

inline bool only_columns_written(const Result& result, int rows) {
  for (size_t i = 0; i < result.y.size(); i++) {
    const auto& y = result.y[i];
    const size_t stride = (size_t)result.n[i] + 3;
    for (size_t j = 0; j < y.size(); j++) {
      const bool border = j < 8 || j >= 8 + (size_t)rows * stride || (j - 8) % stride >= (size_t)result.n[i];
      if (border != (y[j] == kUntouched)) return false;
    }
  }
  return true;
}

}  // namespace triptych::test
