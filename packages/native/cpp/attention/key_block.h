// Where the keys of a sequence lie. Scores are dot products of one query with many tokens, so a vector register should hold the
// same dim of sixteen tokens. Keys are kept that way: in blocks of kKeyBlock tokens, each [kv_heads][head_dim][kKeyBlock].
// A token's key is scattered over its block once, when it is written, instead of being transposed at each of its many reads.
// Values stay token by token, [kv_heads][head_dim]: there a register holds sixteen dims of one token.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace triptych {

constexpr int kKeyBlock = 16;  // tokens

// Bytes from a sequence's first key to the first element of the key of `token`; element i of [kv_heads][head_dim] lies
// i * kKeyBlock elements later. A block takes kKeyBlock * token_stride bytes.
static inline size_t key_offset(int token, size_t token_stride, size_t element_bytes) {
  const size_t t = (size_t)token;
  return t / kKeyBlock * kKeyBlock * token_stride + t % kKeyBlock * element_bytes;
}

// Tokens rounded up to whole blocks.
static inline int key_block_end(int tokens) { return (tokens + kKeyBlock - 1) / kKeyBlock * kKeyBlock; }

}  // namespace triptych
