// Draws the next token from one row of logits.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "core/isa.h"

namespace triptych {

struct SamplingParams {
  float temperature = 1.0f;         // 0 (or less, or NaN): greedy, the lowest id wins ties
  int top_k = 0;                    // keep the k largest; 0 or less: all
  float top_p = 1.0f;               // keep the fewest most likely tokens whose probability reaches this; >= 1: all
  float min_p = 0.0f;               // drop tokens less likely than this share of the most likely; 0: none
  float repetition_penalty = 1.0f;  // of tokens in `recent`: positive logits are divided, negative multiplied
  float presence_penalty = 0.0f;    // subtracted once for each token that occurs in `generated`
  float frequency_penalty = 0.0f;   // subtracted for every occurrence in `generated`
  uint64_t seed = 0;
};

struct SampleResult {
  int32_t token;
  float logprob;  // log softmax of the unmodified logits at `token`
};

// Bytes of scratch for rows of n logits (aligned to 64).
size_t sample_scratch_bytes(int n);

// Order: penalties, top-k, top-p, min-p, temperature, draw (top-p and min-p see probabilities at temperature 1).
// Tokens of equal logit are ordered by id. The draw uses one number made from (seed, position) alone, so a
// preempted and recomputed sequence draws the same tokens again. Ids outside [0, n) in `recent` and `generated`
// are ignored. NaN logits count as -infinity, +infinity as the largest float; if nothing finite is left the result
// is token 0 with logprob -infinity. n >= 1.
SampleResult sample(Isa isa, const float* logits, int n, const SamplingParams& params, const int32_t* recent, int recent_count,
                    const int32_t* generated, int generated_count, uint64_t position, void* scratch);

}  // namespace triptych
