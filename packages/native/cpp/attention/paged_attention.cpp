#include "attention/paged_attention.h"

#include "attention/attention_driver.inl"

namespace triptych {
namespace {

struct PagedLayout {
  const PagedCache* cache;
  size_t stride;
  struct Tokens {
    const PagedCache& cache;
    size_t stride;
    const uint8_t* at(int token, int tensor) const {
      const int shift = __builtin_ctz((unsigned)cache.block_tokens);
      const size_t block = (size_t)cache.table[token >> shift];
      const size_t row = ((2 * block + (size_t)tensor) << shift) + (size_t)(token & (cache.block_tokens - 1));
      return cache.pool + row * stride;
    }
    const uint8_t* key_block(int token) const { return at(token, 0); }
    const uint8_t* v(int token) const { return at(token, 1); }
  };
  Tokens tokens(int s) const { return {cache[s], stride}; }
};

}  // namespace

void paged_attention_compute(const AttentionTask& task, const PagedCache* cache, const Worker& worker) {
  AttentionRun(task, PagedLayout{cache, task.token_stride}, worker).compute();
}
void paged_attention_merge(const AttentionTask& task, const PagedCache* cache, const Worker& worker) {
  AttentionRun(task, PagedLayout{cache, task.token_stride}, worker).merge();
}

}  // namespace triptych
