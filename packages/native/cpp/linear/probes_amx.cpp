// AMX probe: tile products of full 16 x 64 by 64 x 16 int8 tiles, four accumulators.
#include <immintrin.h>

#include "linear/amx_tiles.h"
#include "linear/probe_kernels.h"

namespace triptych {

double probe_int8_amx(int iterations) {
  AmxConfig config;
  for (int t = 0; t < 8; t++) config.set(t, 16, 64);
  config.load();
  for (int i = 0; i < iterations; i++) {
    _tile_dpbssd(0, 4, 6);
    _tile_dpbssd(1, 4, 7);
    _tile_dpbssd(2, 5, 6);
    _tile_dpbssd(3, 5, 7);
  }
  _tile_release();
  return 4.0 * 2 * 16 * 16 * 64 * iterations;
}

}  // namespace triptych
