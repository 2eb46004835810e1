// Stand-ins for the probes, whose inline assembly names registers this processor does not have. What they measure means
// nothing in an emulated build.
#include "linear/probe_kernels.h"

namespace triptych {

double probe_vnni_avxvnni(int iterations) { return iterations; }
double probe_vnni_avx512(int iterations) { return iterations; }
double probe_fma_avx512(int iterations) { return iterations; }
double probe_bf16_avx512bf16(int iterations) { return iterations; }
uint64_t probe_read_avx512(const uint8_t* p, size_t bytes) { return probe_read_avx2(p, bytes); }

}  // namespace triptych
