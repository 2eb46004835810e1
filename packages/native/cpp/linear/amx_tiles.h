// The shape of the eight AMX tile registers. Only for *_amx.cpp files.
#pragma once
#include <immintrin.h>
#include <stdint.h>

namespace triptych {
namespace {

struct alignas(64) AmxConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  void set(int tile, int tile_rows, int bytes) { rows[tile] = (uint8_t)tile_rows; row_bytes[tile] = (uint16_t)bytes; }
  // Loading also zeroes all tiles. The empty asm tells the compiler that all of the struct is read (GCC's intrinsic
  // names only its first bytes).
  void load() const {
    asm volatile("" ::"r"(this) : "memory");
    _tile_loadconfig(this);
  }
};
static_assert(sizeof(AmxConfig) == 64);

}  // namespace
}  // namespace triptych
