// FOR BENCHMARKS ONLY: attention over a paged cache (blocks of tokens found through a block table, as in
// Kwon et al. 2023), the same inner kernels as attention.h, so that the cost of paging itself can be measured.
// The engine never pages: its KV memory is contiguous.
#pragma once
#include "attention/attention.h"

namespace triptych {

struct PagedCache {
  const uint8_t* pool;   // [block][K, V][block_tokens * token_stride bytes]; K in blocks of kKeyBlock tokens
  const int32_t* table;  // block number of each block_tokens tokens of the sequence
  int block_tokens;      // a power of two, at least 16
};

// task.sequence[s].k and .v are ignored; cache[s] says where the tokens of sequence s are.
void paged_attention_compute(const AttentionTask& task, const PagedCache* cache, const Worker& worker);
void paged_attention_merge(const AttentionTask& task, const PagedCache* cache, const Worker& worker);

}  // namespace triptych
