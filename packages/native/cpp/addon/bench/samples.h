// What a benchmark of one kernel brings back: many short runs, each beside the machine's limits of that moment.
#pragma once
#include <stddef.h>

#include <chrono>
#include <vector>

#include "core/isa.h"
#include "core/pool.h"
#include "linear/probes.h"

namespace triptych {

// Peak instruction rate to measure beside the kernel.
enum class Peak { None, Vnni, Bf16, Int16Avx2, Int8Avx2, Amx, Fma };

struct BenchSamples {
  std::vector<double> kernel_s;   // one run of the kernel on all threads
  std::vector<double> read_s;     // plain read of as many bytes on the same threads, right after it (may be empty)
  std::vector<double> peak_ops;   // operations per second of all threads together, measured at most 15 ms before
  std::vector<double> other_s;    // the thing compared with (paged attention), right after the kernel (may be empty)
  double bytes = 0;               // read by one run
  double ops = 0;                 // done by one run; a multiply and an add are two
};

inline double bench_now_s() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

// Peak rate of all threads of the pool running at once.
inline double peak_ops(Peak peak, Isa isa, Pool& pool) {
  if (peak == Peak::None) return 0;
  std::vector<double> rates(size_t(pool.size()));
  pool.run([&](const Worker& worker) {
    double& rate = rates[size_t(worker.index)];
    if (peak == Peak::Vnni) rate = measure_peak_vnni(isa);
    if (peak == Peak::Bf16) rate = measure_peak_bf16(isa);
    if (peak == Peak::Int16Avx2) rate = measure_peak_int16_avx2(isa);
    if (peak == Peak::Int8Avx2) rate = measure_peak_int8_avx2(isa);
    if (peak == Peak::Amx) rate = measure_peak_amx(isa);
    if (peak == Peak::Fma) rate = measure_peak_fma(isa);
  });
  double sum = 0;
  for (double rate : rates) sum += rate;
  return sum;
}

// Keeps the last peak measurement and repeats it when it is old: the clock of a shared machine moves.
class PeakMeter {
 public:
  PeakMeter(Peak peak, Isa isa, Pool& pool) : peak_(peak), isa_(isa), pool_(pool) {}
  double current() {
    if (peak_ != Peak::None && bench_now_s() - measured_s_ > 0.015) {
      ops_ = peak_ops(peak_, isa_, pool_);
      measured_s_ = bench_now_s();
    }
    return ops_;
  }

 private:
  Peak peak_;
  Isa isa_;
  Pool& pool_;
  double ops_ = 0;
  double measured_s_ = -1;
};

}  // namespace triptych
