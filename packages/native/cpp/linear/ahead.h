// Memory (weights, the next activations) fetched to L2 little by little between products: a burst would occupy all of L1's miss
// buffers, and computing would wait for memory. Shared by the x86 int8 kernels.
#pragma once
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include <algorithm>

#include "core/inline.h"

namespace triptych {
namespace {

constexpr int kMostAhead = 24;  // lines a block

// To L2 (T1): L1 has too few miss buffers for streams that run so far ahead.
TRIPTYCH_INLINE void prefetch(const uint8_t* from, int line) { _mm_prefetch((const char*)from + line * 64, _MM_HINT_T1); }

// Lines of `ahead` that fall on part `i` of `kParts` of a block.
template <int kParts>
TRIPTYCH_INLINE void fetch_lines(const uint8_t* ahead, int lines, int i) {
#pragma GCC unroll 12
  for (int l = i; l < kMostAhead; l += kParts)
    if (l < lines) prefetch(ahead, l);
}

// What a tile fetches while it computes: `lines` lines a block, `step` bytes apart from block to block.
struct Fetch {
  const uint8_t* from;
  size_t step;
  int lines;
  // Where a kernel fetches from four streams: rounds of one line of each lie this far apart; and one line more of each block.
  size_t apart = 0;
  const uint8_t* extra = nullptr;
};

// A stretch of memory to fetch.
struct Ahead {
  const uint8_t* at = nullptr;
  size_t lines_left = 0;

  // The share of a tile of `blocks` blocks, `per_block` lines each, or none when there are no more.
  Fetch take(int blocks, int per_block) {
    const Fetch share{at, (size_t)per_block * 64, lines_left > 0 ? per_block : 0};
    const size_t taken = std::min(lines_left, (size_t)per_block * (size_t)blocks);
    at += taken * 64;
    lines_left -= taken;
    return share;
  }
};

}  // namespace
}  // namespace triptych
