// Dispatch of the probes; see probes.h.
#include "linear/probes.h"

#include "linear/probe_kernels.h"

namespace triptych {
namespace {

// Best of many bursts of about 0.1 ms: what the core does while nobody else has it.
[[maybe_unused]] double best_rate(double (*operations)(int iterations)) {
  constexpr int kBursts = 60, kIterations = 20000;
  double best = 0;
  for (int i = 0; i < kBursts; i++) {
    const double started = probe_seconds();
    const double done = operations(kIterations);
    const double rate = done / (probe_seconds() - started);
    if (rate > best) best = rate;
  }
  return best;
}

}  // namespace

#if defined(TRIPTYCH_X86)
double measure_peak_vnni(Isa isa) {
  return isa >= Isa::Avx512 ? best_rate(probe_vnni_avx512) : isa == Isa::AvxVnni ? best_rate(probe_vnni_avxvnni) : 0;
}
double measure_peak_bf16(Isa isa) { return isa == Isa::Avx512Bf16 && has_isa(isa) ? best_rate(probe_bf16_avx512bf16) : 0; }
double measure_peak_fma(Isa isa) {
  return isa >= Isa::Avx512 ? best_rate(probe_fma_avx512) : isa >= Isa::Avx2 ? best_rate(probe_fma_avx2) : 0;
}
double measure_peak_int16_avx2(Isa isa) { return isa >= Isa::Avx2 ? best_rate(probe_int16_avx2) : 0; }
double measure_peak_int8_avx2(Isa isa) { return isa >= Isa::Avx2 ? best_rate(probe_int8_avx2) : 0; }
double measure_peak_amx(Isa isa) { return isa == Isa::Amx ? best_rate(probe_int8_amx) : 0; }
#else
double measure_peak_vnni(Isa) { return 0; }
double measure_peak_bf16(Isa) { return 0; }
double measure_peak_fma(Isa) { return 0; }
double measure_peak_int16_avx2(Isa) { return 0; }
double measure_peak_int8_avx2(Isa) { return 0; }
double measure_peak_amx(Isa) { return 0; }
#endif

uint64_t read_sweep(Isa isa, const uint8_t* data, size_t bytes, const Worker& worker) {
  constexpr size_t kLine = 64;
  const size_t lines = bytes / kLine;
  const size_t begin = lines * (size_t)worker.index / (size_t)worker.count, end = lines * (size_t)(worker.index + 1) / (size_t)worker.count;
  const uint8_t* p = data + begin * kLine;
  const size_t n = (end - begin) * kLine;
#if defined(TRIPTYCH_X86)
  if (isa >= Isa::Avx512) return probe_read_avx512(p, n);
  if (isa >= Isa::Avx2) return probe_read_avx2(p, n);
#endif
  (void)isa;
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i += 8) {
    uint64_t v;
    __builtin_memcpy(&v, p + i, 8);
    sum |= v;
  }
  return sum;
}

}  // namespace triptych
