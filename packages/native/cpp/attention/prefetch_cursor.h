// Memory to fetch into L2, a few lines at a time between other work: a burst would take all miss buffers of the core
// and hold up its own loads.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "attention/key_block.h"
#include "core/inline.h"

namespace triptych {

// K and V of two runs of tokens, line by line in turn: hardware follows each of the four streams and runs ahead (on Emerald
// Rapids one thread gets 10-12 GB/s from one stream beside multiply-adds, 14 from four).
struct PrefetchCursor {
  static constexpr int kStreams = 4;
  const uint8_t* stream[kStreams] = {};  // K, V; K, V
  size_t bytes = 0;   // of a strip: a token's share, or all tokens' where they are neighbours
  size_t stride = 0;  // from a strip of V to its next one; those of K are neighbours within a block
  int strips = 0;     // left of each stream; a stream of K ends with a block, or lies within one
  size_t at = 0;      // within the strip
  int turn = 0;

  // Where the caller is to fetch its next 4 * n lines from, n of each address: the next ones of the streams;
  // or addresses that cost nothing, when there are none left or when they are not neighbours and so are fetched at once.
  // fetch() in between takes multiples of kStreams.
  struct Lines {
    const uint8_t* from[kStreams];
  };
  TRIPTYCH_INLINE Lines take(int n) {
    const size_t taken = (size_t)n * 64;
    if (strips > 0 && at + taken <= bytes) {
      const Lines lines{{stream[0] + at, stream[1] + at, stream[2] + at, stream[3] + at}};
      advance(taken);
      return lines;
    }
    fetch(n * kStreams);
    return nothing();
  }
  // Addresses that cost nothing.
  TRIPTYCH_INLINE Lines nothing() const {
    const uint8_t* here = (const uint8_t*)this;
    return {{here, here, here, here}};
  }

  TRIPTYCH_INLINE void fetch(int lines) {
    for (int i = lines; i > 0 && strips > 0; i--) {
      __builtin_prefetch(stream[turn] + at, 0, 2);
      if (++turn == kStreams) turn = 0, advance(64);
    }
  }

 private:
  TRIPTYCH_INLINE void advance(size_t taken) {
    at += taken;
    if (at < bytes) return;
    at = 0;
    if (--strips == 0) return;
    const size_t key = strips % kKeyBlock ? bytes : kKeyBlock * stride - (kKeyBlock - 1) * bytes;
    stream[0] += key, stream[2] += key;
    stream[1] += stride, stream[3] += stride;
  }
};

// Of a tile of tokens, what one of `shares` units fetches beside its own work: whole tokens, as hardware follows best.
struct PrefetchShare {
  int begin, end;            // tokens of the tile; begin is the first of a block
  int head_begin, head_end;  // KV heads
  int share, shares;
};

// tokens.key_block(t): where the block of keys from token t on lies; tokens.v(t): the values of token t. V is fetched up to the
// end of the last token's block, as K is.
template <class Tokens>
static PrefetchCursor prefetch_cursor(const Tokens& tokens, const PrefetchShare& s, size_t head_bytes, size_t token_stride) {
  PrefetchCursor cursor;
  const size_t bytes = (size_t)(s.head_end - s.head_begin) * head_bytes;
  // All heads of neighbouring tokens are neighbours. Some heads are shared out in whole blocks of K.
  const bool neighbours = bytes == token_stride;
  const int unit = neighbours ? 1 : kKeyBlock, units = (key_block_end(s.end) - s.begin) / unit;
  const int first = s.begin + units * s.share / s.shares * unit, last = s.begin + units * (s.share + 1) / s.shares * unit;
  if (first >= last) return cursor;
  // The two runs are halves; where tokens are odd, or blocks (but for a single one), one is in both.
  const int pair = neighbours || last - first == kKeyBlock ? 1 : kKeyBlock;
  const int half = ((last - first) / pair + 1) / 2 * pair;
  for (int i = 0; i < 2; i++) {
    const int from = i == 0 ? first : last - half, in_block = from % kKeyBlock;
    cursor.stream[2 * i] = tokens.key_block(from - in_block) + (size_t)s.head_begin * head_bytes * kKeyBlock + (size_t)in_block * bytes;
    cursor.stream[2 * i + 1] = tokens.v(from) + (size_t)s.head_begin * head_bytes;
  }
  cursor.bytes = neighbours ? bytes * (size_t)half : bytes;
  cursor.stride = token_stride;
  cursor.strips = neighbours ? 1 : half;
  return cursor;
}

}  // namespace triptych
