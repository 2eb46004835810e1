// The loops behind probes.h, one set per instruction set. Each returns the operations it did.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <time.h>

// So many independent chains cover latency x ports of every unit that is probed.
#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

namespace triptych {

static inline double probe_seconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double probe_fma_avx2(int iterations);
double probe_int16_avx2(int iterations);
double probe_int8_avx2(int iterations);
uint64_t probe_read_avx2(const uint8_t* p, size_t bytes);
double probe_vnni_avxvnni(int iterations);
double probe_fma_avx512(int iterations);
double probe_vnni_avx512(int iterations);
double probe_bf16_avx512bf16(int iterations);
uint64_t probe_read_avx512(const uint8_t* p, size_t bytes);
double probe_int8_amx(int iterations);

}  // namespace triptych
