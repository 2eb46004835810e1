#include "addon/bench/linear_bench.h"

#include <string.h>

#include <algorithm>

#include "addon/bench/buffer.h"
#include "core/f16.h"

namespace triptych {
namespace {

struct Random {
  uint64_t state = 0x9E3779B97F4A7C15ull;
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  float unit() { return float(next() >> 40) * (1.0f / 16777216.0f); }
};

// One GGUF matrix with plausible values: random quants, small scales.
std::vector<uint8_t> random_rows(WeightType type, int n, int k) {
  std::vector<uint8_t> rows(row_bytes(type, k) * size_t(n));
  Random random;
  for (size_t i = 0; i + 8 <= rows.size(); i += 8) {
    const uint64_t word = random.next();
    memcpy(&rows[i], &word, 8);
  }
  const uint16_t scale = f32_to_f16(0.002f);
  if (type == WeightType::Q8_0)
    for (size_t i = 0; i < rows.size(); i += 34) memcpy(&rows[i], &scale, 2);
  if (type == WeightType::Q4_0)
    for (size_t i = 0; i < rows.size(); i += 18) memcpy(&rows[i], &scale, 2);
  // Random signs and fractions at one magnitude: random exponents would be mostly subnormal products, which are slow.
  const auto set_exponent = [&](size_t bytes, uint8_t exponent) {
    for (size_t i = bytes - 1; i < rows.size(); i += bytes) rows[i] = uint8_t((rows[i] & 0x80) | exponent);
  };
  if (type == WeightType::F16) set_exponent(2, 0x2C);
  if (type == WeightType::BF16) set_exponent(2, 0x3C);
  if (type == WeightType::F32) set_exponent(4, 0x3C);
  return rows;
}

}  // namespace

bool bench_linear(const LinearBench& bench, BenchSamples& out) {
  const size_t matrix_bytes = packed_bytes(bench.type, bench.n, bench.k);
  const size_t stride = (matrix_bytes + 4095) / 4096 * 4096;
  const int copies = int(std::max<size_t>(2, bench.rotate_bytes / stride));
  const BenchBuffer weights(stride * size_t(copies));
  const BenchBuffer x(sizeof(float) * size_t(bench.rows) * size_t(bench.k));
  const BenchBuffer y(sizeof(float) * size_t(bench.rows) * size_t(bench.n));
  const BenchBuffer scratch(linear_scratch_bytes(bench.type, bench.rows, bench.k, bench.threads));
  if (weights.data() == nullptr || x.data() == nullptr || y.data() == nullptr || scratch.data() == nullptr) return false;

  Pool pool(bench.threads);
  const std::vector<uint8_t> rows = random_rows(bench.type, bench.n, bench.k);
  pack_panels(bench.type, rows.data(), bench.n, bench.k, 0, panel_count(bench.n), weights.data());
  for (int c = 1; c < copies; c++) memcpy(weights.data() + size_t(c) * stride, weights.data(), matrix_bytes);
  Random random;
  for (size_t i = 0; i < size_t(bench.rows) * size_t(bench.k); i++) x.as<float>()[i] = 2 * random.unit() - 1;

  const auto matrix = [&](int turn) {
    return PackedWeights{bench.type, bench.n, bench.k, weights.data() + size_t(turn % copies) * stride};
  };
  // What an engine does at load; a few matrices suffice to leave the caches.
  std::vector<PackedWeights> sample;
  for (int c = 0; c < copies && size_t(c) * stride < (size_t(256) << 20); c++) sample.push_back(matrix(c));
  const LinearTuning tuning = linear_autotune(bench.isa, pool, sample.data(), int(sample.size()));

  PeakMeter peak(bench.peak, bench.isa, pool);
  out.bytes = double(row_bytes(bench.type, bench.k)) * bench.n;
  out.ops = 2.0 * bench.rows * bench.n * double(bench.k);
  uint64_t seen = 0;
  const double end_s = bench_now_s() + bench.seconds;
  for (int turn = 0; turn < 5 || bench_now_s() < end_s; turn++) {
    const PackedWeights now = matrix(turn);
    LinearTask task{};
    task.isa = bench.isa;
    task.x = x.as<float>();
    task.x_stride = size_t(bench.k);
    task.rows = bench.rows;
    task.parts = 1;
    task.weights[0] = &now;
    task.y[0] = y.as<float>();
    task.y_stride[0] = size_t(bench.n);
    task.scratch = scratch.data();
    task.tuning = &tuning;
    const double peak_now = peak.current();
    const double start_s = bench_now_s();
    pool.run([&](const Worker& worker) {
      linear_prepare(task, worker);
      pool.sync();
      linear_compute(task, worker);
    });
    const double middle_s = bench_now_s();
    const uint8_t* other = matrix(turn + copies / 2).data;
    const size_t read_bytes = size_t(out.bytes) / 1024 * 1024;
    pool.run([&](const Worker& worker) {
      const uint64_t value = read_sweep(bench.isa, other, read_bytes, worker);
      __atomic_fetch_or(&seen, value, __ATOMIC_RELAXED);
    });
    const double end_of_turn_s = bench_now_s();
    if (turn < 2) continue;  // first touches of scratch, y and the threads' stacks
    out.kernel_s.push_back(middle_s - start_s);
    out.read_s.push_back(end_of_turn_s - middle_s);
    out.peak_ops.push_back(peak_now);
  }
  return seen != 0;
}

}  // namespace triptych
