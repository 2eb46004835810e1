#include "ops/ops.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "attention/key_block.h"
#include "core/f16.h"
#include "core/pool.h"
#include "test/check.h"
#include "test/isas.h"

using namespace triptych;
using namespace triptych::test;

namespace {

// Rows further apart than their length; what lies between must stay as it is.
struct Matrix {
  int rows, columns;
  size_t stride;
  std::vector<float> data;
  static constexpr float kBetween = 12345.5f;

  Matrix(int rows_, int columns_, Rng* rng = nullptr, float scale = 1) : rows(rows_), columns(columns_), stride((size_t)columns_ + 3) {
    data.assign((size_t)rows * stride, kBetween);
    for (int r = 0; r < rows; r++)
      for (int c = 0; c < columns; c++) at(r, c) = rng ? scale * rng->gauss() : 0;
  }
  float& at(int r, int c) { return data[(size_t)r * stride + (size_t)c]; }
  bool intact() const {
    for (int r = 0; r < rows; r++)
      for (size_t c = (size_t)columns; c < stride; c++)
        if (data[(size_t)r * stride + c] != kBetween) return false;
    return true;
  }
};

template <class F> void on_threads(int threads, F f) {
  Pool pool(threads);
  pool.run([&](const Worker& worker) { f(worker); });
}

const int kColumns[] = {1, 3, 4, 7, 8, 15, 16, 17, 33, 64, 100, 1023, 1024, 1025, 2048, 5632};

// Both gates are x / (1 + e^-t): t = x, or 2 sqrt(2/pi) (x + 0.044715 x^3), as 0.5 (1 + tanh y) = 1 / (1 + e^-2y).
double gate_exponent(Gate gate, double x) {
  return gate == Gate::Silu ? x : 2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
}
double gate_value(Gate gate, double x) { return x / (1 + std::exp(-gate_exponent(gate, x))); }

}  // namespace

// Bound: 2e-6 relative to the largest output of the row.
TEST(ops_rms_norm_matches_reference) {
  Rng rng(1);
  for (Isa isa : available_isas())
    for (int columns : kColumns)
      for (bool with_add : {false, true}) {
        const int rows = 1 + rng.below(5);
        Matrix x(rows, columns, &rng, 3), add(rows, columns, &rng), weight(1, columns, &rng), out(rows, columns);
        Matrix before = x;
        on_threads(1 + rng.below(3), [&](const Worker& w) {
          rms_norm({isa, rows, columns, x.data.data(), x.stride, with_add ? add.data.data() : nullptr, add.stride, weight.data.data(), 1e-5f,
                    out.data.data(), out.stride}, w);
        });
        CHECK(x.intact() && out.intact());
        for (int r = 0; r < rows; r++) {
          double square = 0, worst = 0, largest = 1e-30;
          for (int c = 0; c < columns; c++) {
            const float sum = with_add ? before.at(r, c) + add.at(r, c) : before.at(r, c);
            CHECK(x.at(r, c) == sum);
            square += (double)sum * sum;
          }
          const double scale = 1 / std::sqrt(square / columns + 1e-5f);
          for (int c = 0; c < columns; c++) {
            const double expected = x.at(r, c) * scale * weight.at(0, c);
            worst = std::max(worst, std::fabs(out.at(r, c) - expected));
            largest = std::max(largest, std::fabs(expected));
          }
          CHECK_LE(worst / largest, 2e-6);
        }
      }
}

TEST(ops_rms_norm_works_in_place_and_on_zeros) {
  for (Isa isa : available_isas()) {
    Matrix x(2, 40), weight(1, 40);
    for (int c = 0; c < 40; c++) { x.at(1, c) = 2; weight.at(0, c) = 3; }
    on_threads(1, [&](const Worker& w) {
      rms_norm({isa, 2, 40, x.data.data(), x.stride, nullptr, 0, weight.data.data(), 0, x.data.data(), x.stride}, w);
    });
    for (int c = 0; c < 40; c++) CHECK_LE(std::fabs(x.at(1, c) - 3), 1e-6);
    // 0 / sqrt(0 + epsilon) with epsilon 0 is not a number; with any other it is 0.
    Matrix zero(1, 40);
    on_threads(1, [&](const Worker& w) {
      rms_norm({isa, 1, 40, zero.data.data(), zero.stride, nullptr, 0, weight.data.data(), 1e-6f, zero.data.data(), zero.stride}, w);
    });
    for (int c = 0; c < 40; c++) CHECK(zero.at(0, c) == 0);
  }
}

// Relative bound: 1e-6, and 2e-7 for each unit of |t|, whose rounding e^-t multiplies; 1e-30 absolute.
TEST(ops_gates_match_reference) {
  Rng rng(2);
  for (Isa isa : available_isas())
    for (Gate gate : {Gate::Silu, Gate::Gelu})
      for (int columns : kColumns) {
        const int rows = 1 + rng.below(3);
        Matrix g(rows, columns, &rng, 4), u(rows, columns, &rng), out(rows, columns);
        on_threads(1 + rng.below(3), [&](const Worker& w) {
          gate_mul({isa, gate, rows, columns, g.data.data(), g.stride, u.data.data(), u.stride, out.data.data(), out.stride}, w);
        });
        CHECK(out.intact());
        for (int r = 0; r < rows; r++)
          for (int c = 0; c < columns; c++) {
            const double x = g.at(r, c), expected = gate_value(gate, x) * u.at(r, c);
            CHECK_LE(std::fabs(out.at(r, c) - expected), 1e-30 + std::fabs(expected) * (1e-6 + 2e-7 * std::fabs(gate_exponent(gate, x))));
          }
        // In place, over g, the same bits.
        Matrix copy = g;
        on_threads(2, [&](const Worker& w) {
          gate_mul({isa, gate, rows, columns, copy.data.data(), copy.stride, u.data.data(), u.stride, copy.data.data(), copy.stride}, w);
        });
        for (int r = 0; r < rows; r++) CHECK(memcmp(&copy.at(r, 0), &out.at(r, 0), (size_t)columns * 4) == 0);
      }
}

TEST(ops_gates_stay_finite_far_out) {
  const float xs[] = {-1e4f, -200, -100, -88, 88, 100, 200, 1e4f};
  for (Isa isa : available_isas())
    for (Gate gate : {Gate::Silu, Gate::Gelu}) {
      float out[8], one[8];
      std::fill(one, one + 8, 1.0f);
      on_threads(1, [&](const Worker& w) { gate_mul({isa, gate, 1, 8, xs, 8, one, 8, out, 8}, w); });
      for (int i = 0; i < 8; i++) CHECK_LE(std::fabs(out[i] - (xs[i] > 0 ? xs[i] : 0)), 1e-30 + (xs[i] > 0 ? xs[i] * 1e-6 : 0));
    }
}

TEST(ops_add_rows_is_exact) {
  Rng rng(3);
  for (Isa isa : available_isas())
    for (int columns : kColumns)
      for (bool bias : {false, true}) {
        Matrix x(3, columns, &rng), y(3, columns, &rng), before = x;
        on_threads(1 + rng.below(3), [&](const Worker& w) {
          add_rows({isa, 3, columns, x.data.data(), x.stride, y.data.data(), bias ? 0 : y.stride}, w);
        });
        CHECK(x.intact());
        for (int r = 0; r < 3; r++)
          for (int c = 0; c < columns; c++) CHECK(x.at(r, c) == before.at(r, c) + y.at(bias ? 0 : r, c));
      }
}

// Bound: 3e-7 of the pair's length for f32; then one rounding to f16.
TEST(ops_rope_store_matches_reference) {
  Rng rng(4);
  struct Shape { int q_heads, kv_heads, head_dim, rope_dims; };
  const Shape shapes[] = {{4, 2, 64, 64}, {3, 1, 80, 32}, {2, 2, 48, 48}, {9, 3, 16, 10}, {1, 1, 128, 128}, {2, 1, 8, 0}, {2, 1, 96, 2}};
  for (Isa isa : available_isas())
    for (const Shape& s : shapes)
      for (RopeStyle style : {RopeStyle::Norm, RopeStyle::Neox})
        for (bool cache_f32 : {false, true}) {
          const int rows = 1 + rng.below(9), half = s.rope_dims / 2, threads = 1 + rng.below(3);
          std::vector<float> factors((size_t)half + 1);
          for (float& f : factors) f = 1 + rng.uniform();
          const double scale = 0.5, base = 500000;
          std::vector<double> angle((size_t)half + 1);
          rope_angles(angle.data(), s.rope_dims, base, scale, factors.data());
          std::vector<int32_t> position;
          for (int r = 0; r < rows; r++) position.push_back(rng.below(131072));
          std::vector<float> table((size_t)(rows * s.rope_dims) + 1);
          Matrix q(rows, s.q_heads * s.head_dim, &rng), k(rows, s.kv_heads * s.head_dim, &rng), v(rows, s.kv_heads * s.head_dim, &rng);
          Matrix q_before = q;
          const size_t element = cache_f32 ? 4 : 2, tensor = (size_t)(s.kv_heads * s.head_dim) * element;
          std::vector<std::vector<uint8_t>> memory;
          // All rows' keys lie in one block, as other tokens of it; values of a row apart from others'; bytes around.
          const size_t block = tensor * kKeyBlock;
          const auto lane = [](int r) { return 5 * r % kKeyBlock; };
          std::vector<uint8_t> keys(block + 16, (uint8_t)0xab);
          std::vector<uint8_t*> key, value;
          for (int r = 0; r < rows; r++) memory.emplace_back(tensor + 16, (uint8_t)0xab);
          for (int r = 0; r < rows; r++) {
            key.push_back(keys.data() + key_offset(lane(r), tensor, element));
            value.push_back(memory[(size_t)r].data());
          }
          on_threads(threads, [&](const Worker& w) { rope_table(table.data(), angle.data(), s.rope_dims, position.data(), rows, w); });
          on_threads(threads, [&](const Worker& w) {
            rope_store({isa, cache_f32, style, rows, s.q_heads, s.kv_heads, s.head_dim, s.rope_dims, table.data(), q.data.data(), q.stride,
                        k.data.data(), k.stride, v.data.data(), v.stride, key.data(), value.data(), 8, 4}, w);
          });
          CHECK(q.intact());
          const auto rotated = [&](Matrix& m, int r, int head, int d) {
            const int at = head * s.head_dim;
            if (d >= s.rope_dims) return (double)m.at(r, at + d);
            const int i = style == RopeStyle::Norm ? d / 2 : d % half;
            const bool second = style == RopeStyle::Norm ? d % 2 == 1 : d >= half;
            const int a = at + (style == RopeStyle::Norm ? 2 * i : i), b = at + (style == RopeStyle::Norm ? 2 * i + 1 : i + half);
            const double theta = position[(size_t)r] * scale * std::pow(base, -2.0 * i / s.rope_dims) / factors[(size_t)i];
            return second ? m.at(r, a) * std::sin(theta) + m.at(r, b) * std::cos(theta) : m.at(r, a) * std::cos(theta) - m.at(r, b) * std::sin(theta);
          };
          for (int r = 0; r < rows; r++) {
            for (int head = 0; head < s.q_heads; head++)
              for (int d = 0; d < s.head_dim; d++)
                CHECK_LE(std::fabs(q.at(r, head * s.head_dim + d) - rotated(q_before, r, head, d)), 2e-6);
            for (int head = 0; head < s.kv_heads; head++)
              for (int d = 0; d < s.head_dim; d++) {
                const size_t at = (size_t)(head * s.head_dim + d) * element;
                const double expected = rotated(k, r, head, d), plain = v.at(r, head * s.head_dim + d);
                const uint8_t *k_at = key[(size_t)r] + 8 + at * kKeyBlock, *v_at = value[(size_t)r] + 4 + at;
                float f;
                uint16_t h;
                memcpy(&f, k_at, 4), memcpy(&h, k_at, 2);
                CHECK_LE(std::fabs((cache_f32 ? f : f16_to_f32(h)) - expected), 2e-6 + (cache_f32 ? 0 : std::fabs(expected) / 2000));
                memcpy(&f, v_at, 4), memcpy(&h, v_at, 2);
                CHECK(cache_f32 ? f == (float)plain : h == f32_to_f16((float)plain));
              }
            for (size_t i = 0; i < 4; i++) CHECK(memory[(size_t)r][i] == 0xab);
            for (size_t i = 4 + tensor; i < 16 + tensor; i++) CHECK(memory[(size_t)r][i] == 0xab);
          }
          // Of the block only these tokens' lanes were written.
          for (size_t i = 0; i < keys.size(); i++) {
            const bool inside = i >= 8 && i < 8 + block;
            bool written = false;
            for (int r = 0; r < rows; r++) written = written || (inside && (int)((i - 8) / element % kKeyBlock) == lane(r));
            if (!written) CHECK(keys[i] == 0xab);
          }
        }
}

TEST(ops_half_precision_conversions_are_exact) {
  std::vector<uint16_t> all(65536 + 5), back(65536 + 5);
  for (size_t i = 0; i < all.size(); i++) all[i] = (uint16_t)i;
  std::vector<float> wide(all.size());
  for (Isa isa : available_isas()) {
    f16_to_f32_row(isa, all.data(), wide.data(), all.size());
    f32_to_f16_row(isa, wide.data(), back.data(), all.size());
    for (size_t i = 0; i < all.size(); i++) {
      const bool nan = (all[i] & 0x7fff) > 0x7c00;
      CHECK(nan ? std::isnan(wide[i]) && (back[i] & 0x7fff) > 0x7c00 : wide[i] == f16_to_f32(all[i]) && back[i] == all[i]);
    }
    // Ties to even, overflow and what rounds to zero.
    const float edge[] = {1.00048828125f, 1.00146484375f, 65519.0f, 65520.0f, -1e30f, 2.98023224e-8f, 2.98023259e-8f, 1e-40f, -0.0f};
    uint16_t h[9];
    f32_to_f16_row(isa, edge, h, 9);
    for (int i = 0; i < 9; i++) CHECK_EQ(h[i], f32_to_f16(edge[i]));
  }
}

TEST(ops_bits_do_not_depend_on_threads_or_rows) {
  Rng rng(5);
  for (Isa isa : available_isas()) {
    const int rows = 7, columns = 2500;
    Matrix x(rows, columns, &rng), add(rows, columns, &rng), weight(1, columns, &rng);
    const auto run = [&](int threads, int first, int count) {
      Matrix mine = x, out(rows, columns);
      on_threads(threads, [&](const Worker& w) {
        rms_norm({isa, count, columns, &mine.at(first, 0), mine.stride, &add.at(first, 0), add.stride, weight.data.data(), 1e-5f,
                  &out.at(first, 0), out.stride}, w);
      });
      on_threads(threads, [&](const Worker& w) {
        gate_mul({isa, Gate::Silu, count, columns, &out.at(first, 0), out.stride, &add.at(first, 0), add.stride, &out.at(first, 0), out.stride}, w);
      });
      return out;
    };
    Matrix all = run(1, 0, rows), two = run(2, 0, rows), five = run(5, 0, rows);
    CHECK(memcmp(all.data.data(), two.data.data(), all.data.size() * 4) == 0);
    CHECK(memcmp(all.data.data(), five.data.data(), all.data.size() * 4) == 0);
    for (int r = 0; r < rows; r++) {
      Matrix one = run(3, r, 1);
      CHECK(memcmp(&one.at(r, 0), &all.at(r, 0), (size_t)columns * 4) == 0);
    }
  }
}
