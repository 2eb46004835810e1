#include "attention/attention.h"

#include "attention/attention_driver.inl"

namespace triptych {
namespace {

struct ContiguousLayout {
  const AttentionTask& task;
  struct Tokens {
    const AttentionSequence& sequence;
    size_t stride;
    const uint8_t* key_block(int token) const { return sequence.k + (size_t)token * stride; }
    const uint8_t* v(int token) const { return sequence.v + (size_t)token * stride; }
  };
  Tokens tokens(int s) const { return {task.sequence[s], task.token_stride}; }
};

}  // namespace

bool attention_supported(int q_heads, int kv_heads, int head_dim) {
  return kv_heads >= 1 && q_heads >= kv_heads && q_heads % kv_heads == 0 && head_dim >= 8 && head_dim % 8 == 0 &&
         head_dim <= kAttentionMaxHeadDim;
}

size_t attention_scratch_bytes(const AttentionLimits& l) {
  size_t worker = 0, record = 0;
  const auto grow = [&](int dim_multiple, int row_tile) {
    const AttentionSizes sizes(l.q_heads, l.kv_heads, l.head_dim, dim_multiple, row_tile);
    worker = std::max(worker, sizes.worker);
    record = std::max(record, sizes.record);
  };
  const auto grow_for = [&](const AttentionKernels& kernels) { grow(kernels.dim_multiple, kernels.row_tile); };
  grow_for(attention_kernels_portable());
#if defined(TRIPTYCH_X86)
  grow_for(attention_kernels_avx2());
  grow_for(attention_kernels_avx512());
  grow_for(attention_kernels_amx());
#endif
  const size_t split = (size_t)l.sequences * (size_t)chunks_of(l.context) * (size_t)l.q_heads * record;
  return (worker * (size_t)l.threads + split) * sizeof(float);
}

void attention_compute(const AttentionTask& task, const Worker& worker) {
  AttentionRun(task, ContiguousLayout{task}, worker).compute();
}
void attention_merge(const AttentionTask& task, const Worker& worker) {
  AttentionRun(task, ContiguousLayout{task}, worker).merge();
}

}  // namespace triptych
