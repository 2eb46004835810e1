// Memory to fetch into L2, a few lines at a time between other work: a burst would take all miss buffers of the core
// and hold up its own loads.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "attention/key_block.h"

namespace triptych {

// K and V of two runs of tokens, line by line in turn: hardware follows each of the four streams and runs ahead (on Emerald
// Rapids one thread gets 10-12 GB/s from one stream beside multiply-adds, 14 from four).
struct PrefetchCursor {
  static constexpr int kStreams = 4;
  const uint8_t* stream[kStreams] = {};  // K, V; K, V
  size_t bytes = 0;   // of a strip: a token's share, or all tokens' where they are neighbours
  size_t stride = 0;  // from a strip of V to its next one; those of K are neighbours within a block
  int strips = 0;     // left of each stream; where K's blocks matter, a multiple of kKeyBlock or less than that
  size_t at = 0;      // within the strip
  int turn = 0;

  // Where the caller is to fetch its next 4 * n lines from, n of each address: the next ones of the streams;
  // or addresses that cost nothing, when there are none left or when they are not neighbours and so are fetched at once.
  // fetch() in between takes multiples of kStreams.
  struct Lines {
    const uint8_t* from[kStreams];
  };
  Lines take(int n) {
    const size_t taken = (size_t)n * 64;
    if (strips > 0 && at + taken <= bytes) {
      const Lines lines{{stream[0] + at, stream[1] + at, stream[2] + at, stream[3] + at}};
      advance(taken);
      return lines;
    }
    fetch(n * kStreams);
    const uint8_t* here = (const uint8_t*)this;
    return {{here, here, here, here}};
  }

  void fetch(int lines) {
    for (int i = lines; i > 0 && strips > 0; i--) {
      __builtin_prefetch(stream[turn] + at, 0, 2);
      if (++turn == kStreams) turn = 0, advance(64);
    }
  }

 private:
  void advance(size_t taken) {
    at += taken;
    if (at < bytes) return;
    at = 0;
    strips--;
    const size_t key = strips % kKeyBlock ? bytes : kKeyBlock * stride - (kKeyBlock - 1) * bytes;
    stream[0] += key, stream[2] += key;
    stream[1] += stride, stream[3] += stride;
  }
};

}  // namespace triptych
