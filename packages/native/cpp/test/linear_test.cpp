// Linear layers against float64, for every weight type and instruction set.
#include <algorithm>

#include "test/linear_reference.h"

using namespace triptych;
using namespace triptych::test;

namespace {

std::vector<float> random_rows(int rows, int k, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> x((size_t)rows * (size_t)k);
  for (float& v : x) v = rng.gauss();
  return x;
}

struct Error { double relative, worst; };  // worst: the largest |error| / bound of one element

// BF16 weights take activations rounded to bfloat16 where the processor multiplies those, except that AMX levels do not use it.
bool rounds_bf16(Isa isa, WeightType type) { return isa == Isa::Avx512Bf16 && type == WeightType::BF16; }

// The most that the whole result may be off, relative to its size.
double relative_bound(Isa isa, WeightType type) { return is_quantised(type) ? 0.0075 : rounds_bf16(isa, type) ? 0.0025 : 2e-6; }

// The bound of one element. Int8: every activation is off by at most half a step of its block; the rest is float
// rounding. Floats: k roundings, and where activations are rounded to bfloat16, 2^-8 of each product.
// The reference is slow: `every` n compares each n-th row, the last one among them.
Error compare(Isa isa, const Matrix& m, const Result& result, int part, const std::vector<float>& x, int rows, int every = 1) {
  double wrong = 0, size = 0, worst = 0;
  for (int r = rows - 1; r >= 0; r -= every)
    for (int c = 0; c < m.n; c++) {
      const double* w = m.values.data() + (size_t)c * m.k;
      const float* a = x.data() + (size_t)r * m.k;
      double sum = 0, absolute = 0, step = 0;
      for (int b = 0; b < m.k; b += 32) {
        double top = 0, weights = 0;
        for (int i = b; i < std::min(b + 32, m.k); i++) {
          sum += w[i] * a[i];
          absolute += std::fabs(w[i] * a[i]);
          weights += std::fabs(w[i]);
          top = std::max(top, (double)std::fabs(a[i]));
        }
        step += top / 127.0 * weights;
      }
      const double rounding = is_quantised(m.type) ? 0.5001 * step : rounds_bf16(isa, m.type) ? absolute / 256 : 0;
      const double bound = rounding + (m.k + 4) * 6e-8 * absolute + 1e-36;
      const double error = std::fabs((double)result.row(part, r)[c] - sum);
      wrong += error * error;
      size += sum * sum;
      worst = std::max(worst, error / bound);
      if (std::isnan(error)) worst = 1e9;
    }
  return {size > 0 ? std::sqrt(wrong / size) : 0, worst};
}

}  // namespace

TEST(linear_matches_float64) {
  Pool pool(2);
  for (const WeightType type : all_types())
    for (const int n : {1, 31, 33, 95, 288})
      for (const int k : {32, 64, 96, 576, 57}) {
        if (is_quantised(type) && k % 32 != 0) continue;
        const Matrix m(type, n, k, 7 + n + k);
        for (const Isa isa : available_isas())
          for (const int rows : {1, 2, 3, 5, 8, 13, 16, 17, 33, 70}) {
            if ((quick() || isa == Isa::Portable) && rows * n > 3000) continue;
            const auto x = random_rows(rows, k, rows);
            const Result result = run_linear(isa, pool, {&m}, x.data(), k, rows);
            CHECK(only_columns_written(result, rows));
            const Error e = compare(isa, m, result, 0, x, rows);
            CHECK_LE(e.worst, 1.0);
            if (rows * n > 1000) CHECK_LE(e.relative, relative_bound(isa, type));
          }
      }
}

TEST(linear_large_prompt) {
  // Many groups of rows, and a last group that is not full; above k 512 also several chunks of blocks.
  struct Shape { int rows, n, k, every; };
  const Shape big{512, 320, 2048, 37};
  Pool pool(2);
  for (const Shape s : {Shape{512, 95, 96, 1}, Shape{513, 64, 128, 3}, Shape{513, 33, 544, 37}, big}) {
    const bool is_big = s.k == big.k;
    if (quick() && is_big) continue;
    const auto x = random_rows(s.rows, s.k, 3);
    for (const WeightType type : all_types()) {
      const Matrix m(type, s.n, s.k, 11);
      for (const Isa isa : available_isas()) {
        if (isa == Isa::Portable && is_big) continue;
        const Result result = run_linear(isa, pool, {&m}, x.data(), s.k, s.rows);
        CHECK(only_columns_written(result, s.rows));
        const Error e = compare(isa, m, result, 0, x, s.rows, s.every);
        CHECK_LE(e.worst, 1.0);
        CHECK_LE(e.relative, relative_bound(isa, type));
      }
    }
  }
}

TEST(linear_uneven_magnitudes) {
  // One activation in each block a thousand times larger, rows scaled from 1e-25 to 1e25, one row and one block zero.
  Pool pool(2);
  const int rows = 20, n = 40, k = 160;
  auto x = random_rows(rows, k, 9);
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < k; i++) {
      float& v = x[(size_t)r * k + i];
      v *= std::pow(10.0f, (float)(r - 10) * 2.5f) * (i % 32 == 5 ? 1000.0f : 1.0f);
      if (r == 3 || (i >= 64 && i < 96 && r == 4)) v = 0;
    }
  for (const WeightType type : all_types()) {
    const Matrix m(type, n, k, 5);
    for (const Isa isa : available_isas())
      for (const int count : {1, 4, rows}) {
        const Result result = run_linear(isa, pool, {&m}, x.data(), k, count);
        CHECK_LE(compare(isa, m, result, 0, x, count).worst, 1.0);
        for (int c = 0; c < n && count > 3; c++) CHECK(result.row(0, 3)[c] == 0.0f);
      }
  }
}

TEST(linear_bad_activations_stay_in_their_row) {
  Pool pool(2);
  const int n = 64, k = 96;
  for (const WeightType type : all_types()) {
    const Matrix m(type, n, k, 5);
    for (const Isa isa : available_isas())
      for (const int rows : {3, 12, 40}) {
        auto x = random_rows(rows, k, 9);
        const Result clean = run_linear(isa, pool, {&m}, x.data(), k, rows);
        x[(size_t)1 * k + 40] = std::nanf("");
        x[(size_t)2 * k + 3] = INFINITY;
        const Result result = run_linear(isa, pool, {&m}, x.data(), k, rows);
        for (int c = 0; c < n; c++) {
          CHECK(std::isnan(result.row(0, 1)[c]));
          CHECK(!std::isfinite(result.row(0, 2)[c]));
          for (int r = 0; r < rows; r++)
            if (r != 1 && r != 2) CHECK(result.row(0, r)[c] == clean.row(0, r)[c]);
        }
      }
  }
}

TEST(linear_rows_unpack) {
  for (const WeightType type : all_types())
    for (const int n : {1, 33, 95}) {
      const int k = 96;
      const Matrix m(type, n, k, 21 + n, 3);
      std::vector<float> out(k);
      for (int r = 0; r < n; r++) {
        unpack_row(m.weights, r, out.data());
        for (int i = 0; i < k; i++) CHECK(out[i] == (float)m.values[(size_t)r * k + i]);
      }
    }
}

TEST(linear_sizes) {
  CHECK(weight_type_supported(0) && weight_type_supported(1) && weight_type_supported(2) && weight_type_supported(8) && weight_type_supported(30));
  CHECK(!weight_type_supported(3) && !weight_type_supported(12) && !weight_type_supported(-1));
  CHECK(row_bytes(WeightType::Q8_0, 64) == 68 && row_bytes(WeightType::Q4_0, 64) == 36 && row_bytes(WeightType::BF16, 3) == 6);
  // The packed form costs what the file costs.
  for (const WeightType type : all_types()) CHECK(packed_bytes(type, 64, 96) == 64 * row_bytes(type, 96));
  CHECK(packed_bytes(WeightType::BF16, 32, 3) == 32 * row_bytes(WeightType::BF16, 4));
  CHECK(linear_compatible(WeightType::Q8_0, WeightType::Q4_0) && linear_compatible(WeightType::F32, WeightType::F16));
  CHECK(!linear_compatible(WeightType::Q8_0, WeightType::F16) && !linear_compatible(WeightType::F32, WeightType::BF16));
}
