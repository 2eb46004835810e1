// Times one linear layer, alternating with a plain read of as many bytes on the same threads: memory bandwidth of
// shared machines has states that differ by nearly two, so only the two side by side mean anything.
#pragma once
#include <stddef.h>

#include "addon/bench/samples.h"
#include "linear/linear.h"

namespace triptych {

struct LinearBench {
  WeightType type;
  Isa isa;
  int rows;
  int n;
  int k;
  int threads;
  size_t rotate_bytes;  // weights are cycled through so much memory; above the last cache's size they come from DRAM
  double seconds;
  Peak peak;
};

// False when memory is short.
bool bench_linear(const LinearBench& bench, BenchSamples& out);

}  // namespace triptych
