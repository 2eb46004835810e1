// Bits of a row must not depend on anything but the row (architecture, decision 11).
#include <algorithm>

#include "test/linear_reference.h"

using namespace triptych;
using namespace triptych::test;

namespace {

bool same_bits(const float* a, const float* b, int n) { return std::memcmp(a, b, (size_t)n * sizeof(float)) == 0; }

std::vector<float> random_rows(int rows, int k, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> x((size_t)rows * (size_t)k);
  for (float& v : x) v = rng.gauss() * (rng.below(50) == 0 ? 30.0f : 1.0f);
  return x;
}

}  // namespace

TEST(linear_bits_independent_of_rows_and_threads) {
  constexpr int kMost = 100;
  Pool one(1), two(2), three(3);
  for (const WeightType type : all_types())
    for (const int k : {32, 96, 576, 1152}) {
      const Matrix m(type, 95, k, 3);
      const auto x = random_rows(kMost, k, 17);
      for (const Isa isa : available_isas()) {
        if ((quick() || isa == Isa::Portable) && k > 96) continue;
        std::vector<Result> alone;
        for (int r = 0; r < kMost; r++) alone.push_back(run_linear(isa, one, {&m}, x.data() + (size_t)r * k, k, 1));
        for (const int rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 31, 33, 64, 100})
          for (const int first : {0, 5}) {
            if (first + rows > kMost) continue;
            Pool& pool = rows % 3 == 0 ? one : rows % 3 == 1 ? two : three;
            const Result result = run_linear(isa, pool, {&m}, x.data() + (size_t)first * k, k, rows);
            bool same = true;
            for (int r = 0; r < rows; r++) same = same && same_bits(result.row(0, r), alone[first + r].row(0, 0), m.n);
            CHECK(same);
          }
      }
    }
}

TEST(linear_bits_independent_of_prompt_length) {
  struct Shape { int rows, n, k; };
  const Shape big{512, 160, 640};
  Pool two(2);
  for (const Shape s : {Shape{512, 95, 96}, Shape{513, 64, 128}, big}) {
    const bool is_big = s.k == big.k;
    if (quick() && is_big) continue;
    const auto x = random_rows(s.rows, s.k, 19);
    for (const WeightType type : all_types()) {
      const Matrix m(type, s.n, s.k, 4);
      for (const Isa isa : available_isas()) {
        if (isa == Isa::Portable && is_big) continue;
        const Result whole = run_linear(isa, two, {&m}, x.data(), s.k, s.rows);
        for (int first = 0; first < s.rows; first += 64) {
          const int count = first == 192 ? 7 : std::min(64, s.rows - first);
          const Result part = run_linear(isa, two, {&m}, x.data() + (size_t)first * s.k, s.k, count);
          bool same = true;
          for (int r = 0; r < count; r++) same = same && same_bits(part.row(0, r), whole.row(0, first + r), m.n);
          CHECK(same);
        }
      }
    }
  }
}

TEST(linear_bits_independent_of_tuning) {
  // Panels of less than a chunk, of chunks of unequal lengths, and of more than a tall tile walks at once.
  Pool two(2);
  for (const WeightType type : {WeightType::Q8_0, WeightType::Q4_0})
    for (const int k : {32, 992, 2080}) {
      if (quick() && k > 992) continue;
      const Matrix m(type, 95, k, 6);
      for (const Isa isa : available_isas()) {
        if (isa == Isa::Portable) continue;
        for (const int rows : {1, 3, 5, 6, 7, 8, 13, 16, 17, 24, 40, 72, 200}) {
          const auto x = random_rows(rows, k, 29);
          LinearTuning tuning = linear_default_tuning(isa);
          tuning.tall_tiles = false;
          const Result result = run_linear(isa, two, {&m}, x.data(), k, rows, &tuning);
          for (const bool tall : {false, true})
            for (const bool pairs : {false, true})
              for (const int prefetch : {1024, kFourStreams}) {
                if (pairs && rows > 6) continue;  // read one panel at a time in any case
                tuning.tall_tiles = tall;
                std::fill_n(tuning.pairs_int8, 17, pairs);
                std::fill_n(tuning.pairs_int4, 17, pairs);
                std::fill_n(tuning.prefetch_int8, 17, prefetch);
                std::fill_n(tuning.prefetch_int4, 17, prefetch);
                const Result other = run_linear(isa, two, {&m}, x.data(), k, rows, &tuning);
                CHECK(only_columns_written(other, rows));
                bool same = true;
                for (int r = 0; r < rows; r++) same = same && same_bits(other.row(0, r), result.row(0, r), m.n);
                CHECK(same);
              }
        }
      }
    }
}

TEST(linear_bits_independent_of_parts) {
  // Four matrices in one task, of mixed compatible types, a strided activation, and each alone.
  Pool two(2);
  const int k = 96, stride = k + 5;
  const std::vector<std::vector<WeightType>> mixes{
      {WeightType::Q8_0, WeightType::Q4_0, WeightType::Q8_0, WeightType::Q4_0},
      {WeightType::F32, WeightType::F16, WeightType::F32, WeightType::F16},
      {WeightType::BF16, WeightType::BF16, WeightType::BF16, WeightType::BF16}};
  for (const auto& mix : mixes) {
    const Matrix a(mix[0], 95, k, 1), b(mix[1], 1, k, 2), c(mix[2], 64, k, 3), d(mix[3], 33, k, 4);
    const std::vector<const Matrix*> parts{&a, &b, &c, &d};
    for (const Isa isa : available_isas())
      for (const int rows : {1, 4, 9, 16, 40}) {
        const auto x = random_rows(rows, stride, 23);
        const Result together = run_linear(isa, two, parts, x.data(), stride, rows);
        CHECK(only_columns_written(together, rows));
        for (int i = 0; i < 4; i++) {
          const Result alone = run_linear(isa, two, {parts[i]}, x.data(), stride, rows);
          bool same = true;
          for (int r = 0; r < rows; r++) same = same && same_bits(together.row(i, r), alone.row(0, r), parts[i]->n);
          CHECK(same);
        }
      }
  }
}

TEST(linear_bits_equal_on_all_x86_levels) {
  // Not promised, but true of the int8 types and worth knowing when it stops: exact integers, the same float operations.
  Pool two(2);
  const int k = 320, rows = 21;
  const auto x = random_rows(rows, k, 29);
  for (const WeightType type : {WeightType::Q8_0, WeightType::Q4_0}) {
    const Matrix m(type, 70, k, 6);
    const Result best = run_linear(detect_isa(), two, {&m}, x.data(), k, rows);
    for (const Isa isa : available_isas()) {
      if (isa == Isa::Portable) continue;
      const Result result = run_linear(isa, two, {&m}, x.data(), k, rows);
      bool same = true;
      for (int r = 0; r < rows; r++) same = same && same_bits(result.row(0, r), best.row(0, r), m.n);
      CHECK(same);
    }
  }
}
