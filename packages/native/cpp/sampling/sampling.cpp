#include "sampling/sampling.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "sampling/sampling_kernels.h"

namespace triptych {
namespace {

constexpr float kInfinity = __builtin_inff();
constexpr float kLargest = 3.402823466e38f;
constexpr float kLog2e = 1.44269504088896341f;

const SamplingKernels& kernels(Isa isa) {
#if defined(TRIPTYCH_X86)
  if (isa >= Isa::Avx512) return sampling_kernels_avx512();
  if (isa >= Isa::Avx2) return sampling_kernels_avx2();
#endif
  (void)isa;
  return sampling_kernels_portable();
}

struct Candidate {
  float logit;
  int32_t id;
};
inline bool ranks_before(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

// Views into the caller's scratch, each 64-byte aligned.
struct Scratch {
  float* adjusted;        // [n]
  float* weight;          // [n]
  float* block;           // [blocks of n]
  uint64_t* seen;         // [n / 64]
  Candidate* candidates;  // [n]
  size_t bytes;

  Scratch(void* base, int n) {
    size_t at = 0;
    const auto take = [&](size_t size) {
      uint8_t* p = (uint8_t*)base + at;
      at += (size + 63) / 64 * 64;
      return p;
    };
    const size_t count = (size_t)n;
    adjusted = (float*)take(count * sizeof(float));
    weight = (float*)take(count * sizeof(float));
    block = (float*)take((count / kExpBlock + 1) * sizeof(float));
    seen = (uint64_t*)take((count / 64 + 1) * sizeof(uint64_t));
    candidates = (Candidate*)take(count * sizeof(Candidate));
    bytes = at;
  }
};

uint64_t mix(uint64_t x) {  // splitmix64 (Steele, Lea, Flood 2014)
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}
// In [0, 1), from the counter alone.
double uniform(uint64_t seed, uint64_t position) { return (double)(mix(mix(seed) ^ mix(position)) >> 11) * 0x1p-53; }

// Calls f(id) for every distinct valid id.
template <class F> void for_distinct(const int32_t* ids, int count, int n, uint64_t* seen, F f) {
  memset(seen, 0, ((size_t)n / 64 + 1) * sizeof(uint64_t));
  for (int i = 0; i < count; i++) {
    const int32_t id = ids[i];
    if (id < 0 || id >= n) continue;
    const uint64_t bit = 1ull << (id & 63);
    if (seen[id >> 6] & bit) continue;
    seen[id >> 6] |= bit;
    f(id);
  }
}

float limited(float x) { return std::isnan(x) ? -kInfinity : std::min(x, kLargest); }

// Returns whether any logit changed.
bool apply_penalties(Scratch& s, int n, const SamplingParams& p, const int32_t* recent, int recent_count,
                     const int32_t* generated, int generated_count) {
  float* x = s.adjusted;
  bool changed = false;
  if (p.repetition_penalty > 0 && p.repetition_penalty != 1.0f && recent_count > 0) {
    for_distinct(recent, recent_count, n, s.seen,
                 [&](int32_t id) { x[id] = limited(x[id] > 0 ? x[id] / p.repetition_penalty : x[id] * p.repetition_penalty); });
    changed = true;
  }
  if (std::isfinite(p.presence_penalty) && p.presence_penalty != 0 && generated_count > 0) {
    for_distinct(generated, generated_count, n, s.seen, [&](int32_t id) { x[id] = limited(x[id] - p.presence_penalty); });
    changed = true;
  }
  if (std::isfinite(p.frequency_penalty) && p.frequency_penalty != 0 && generated_count > 0) {
    for (int i = 0; i < generated_count; i++) {
      const int32_t id = generated[i];
      if (id >= 0 && id < n) x[id] = limited(x[id] - p.frequency_penalty);
    }
    changed = true;
  }
  return changed;
}

// Puts the `keep` best of x into out in order and returns how many there are. One pass: whatever beats the worst
// of the best so far is collected, and the collection is cut back to `keep` when it is full.
int select_best(const SamplingKernels& kernel, const float* x, int n, int keep, Candidate* out) {
  keep = std::min(keep, n);
  const int capacity = std::min(n, std::max(2 * keep, 256));
  float limit = -kInfinity;
  int size = 0;
  for (int i = kernel.next_greater(x, 0, n, limit); i < n; i = kernel.next_greater(x, i + 1, n, limit)) {
    out[size++] = {x[i], i};
    if (size == capacity && size > keep) {
      std::nth_element(out, out + keep - 1, out + size, ranks_before);
      size = keep;
      limit = out[keep - 1].logit;
    }
  }
  const int kept = std::min(size, keep);
  std::partial_sort(out, out + kept, out + size, ranks_before);
  return kept;
}

// How many of the ranked candidates reach `share` of `total` (weights relative to the first); 0 if they do not.
int reach(const Candidate* c, int count, double share, double total) {
  double sum = 0;
  for (int i = 0; i < count; i++) {
    sum += std::exp((double)c[i].logit - c[0].logit);
    if (sum >= share * total) return i + 1;
  }
  return 0;
}

constexpr int kBuckets = 4096;
constexpr float kBucketsPerUnit = 128;  // of logit below the maximum; the last bucket takes all from 32 on

int bucket_of(float x, float max) {
  const float t = (max - x) * kBucketsPerUnit;
  return t < kBuckets - 1 ? (int)t : kBuckets - 1;
}

// Sets the logits outside the smallest set of most likely tokens that reaches top_p to -infinity. Ranking a whole
// vocabulary would take milliseconds: sums over buckets of logits find the one the boundary is in, and only that one
// is ranked.
void cut_top_p(const SamplingKernels& kernel, Scratch& s, int n, float max, double top_p) {
  float* x = s.adjusted;
  const double wanted = top_p * kernel.exp_sum(x, n, max, kLog2e, s.weight, nullptr);
  double mass[kBuckets] = {};
  for (int i = 0; i < n; i++) mass[bucket_of(x[i], max)] += s.weight[i];
  double sum = 0;
  int boundary = 0;
  while (boundary < kBuckets - 1 && sum + mass[boundary] < wanted) sum += mass[boundary++];
  Candidate* c = s.candidates;
  int size = 0;
  for (int i = 0; i < n; i++) {
    const int bucket = bucket_of(x[i], max);
    if (bucket == boundary) c[size++] = {x[i], i};
    if (bucket > boundary) x[i] = -kInfinity;
  }
  std::sort(c, c + size, ranks_before);
  int kept = 0;
  do sum += s.weight[c[kept++].id]; while (kept < size && sum < wanted);
  for (int i = kept; i < size; i++) x[c[i].id] = -kInfinity;
}

int32_t draw_ranked(const Candidate* c, int count, double inverse_temperature, double u) {
  double total = 0;
  for (int i = 0; i < count; i++) total += std::exp(((double)c[i].logit - c[0].logit) * inverse_temperature);
  double left = u * total;
  int last = 0;  // rounding may leave a rest after the last candidate of any weight
  for (int i = 0; i < count; i++) {
    const double w = std::exp(((double)c[i].logit - c[0].logit) * inverse_temperature);
    if (w > 0) last = i;
    left -= w;
    if (left < 0) break;
  }
  return c[last].id;
}

// Draws from all tokens in id order: whole blocks first, then within one.
int32_t draw_all(const SamplingKernels& kernel, Scratch& s, int n, float max, float scale, double u) {
  double left = u * kernel.exp_sum(s.adjusted, n, max, scale, s.weight, s.block);
  int begin = 0;
  while (begin + kExpBlock < n && left >= s.block[begin / kExpBlock]) {
    left -= s.block[begin / kExpBlock];
    begin += kExpBlock;
  }
  int last = -1;
  for (int i = begin; i < n; i++) {
    if (!(s.weight[i] > 0)) continue;
    last = i;
    left -= s.weight[i];
    if (left < 0) return i;
  }
  while (last < 0) {  // nothing but zeros after `begin`: the last token before it that has a weight
    begin--;
    if (s.weight[begin] > 0) last = begin;
  }
  return last;
}

}  // namespace

size_t sample_scratch_bytes(int n) { return Scratch(nullptr, n).bytes; }

SampleResult sample(Isa isa, const float* logits, int n, const SamplingParams& p, const int32_t* recent, int recent_count,
                    const int32_t* generated, int generated_count, uint64_t position, void* scratch) {
  const SamplingKernels& kernel = kernels(isa);
  Scratch s(scratch, n);
  float* x = s.adjusted;
  const float plain_max = kernel.sanitize(logits, x, n);
  if (plain_max == -kInfinity) return {0, -kInfinity};
  const double log_total = std::log(kernel.exp_sum(x, n, plain_max, kLog2e, nullptr, nullptr));
  const auto result = [&](int32_t token) -> SampleResult {
    return {token, (float)((double)limited(logits[token]) - plain_max - log_total)};
  };

  const bool changed = apply_penalties(s, n, p, recent, recent_count, generated, generated_count);
  const float max = changed ? kernel.max(x, n) : plain_max;
  if (max == -kInfinity) return {0, -kInfinity};
  if (!(p.temperature > 0)) {
    // The first logit that is not below the maximum.
    const float below = std::nextafter(max, -kInfinity);
    return result(kernel.next_greater(x, 0, n, below));
  }

  const float temperature = std::min(std::max(p.temperature, 1e-30f), 1e30f);
  const double u = uniform(p.seed, position);
  const bool cut_p = p.top_p < 1;  // false for NaN
  const double top_p = p.top_p > 0 ? p.top_p : 0;
  const bool cut_k = p.top_k > 0 && p.top_k < n;
  const float floor = p.min_p > 0 ? max + std::log(std::min(p.min_p, 1.0f)) : -kInfinity;
  if (!cut_k) {
    if (cut_p) cut_top_p(kernel, s, n, max, top_p);
    if (p.min_p > 0)
      for (int i = 0; i < n; i++) x[i] = x[i] >= floor ? x[i] : -kInfinity;
    return result(draw_all(kernel, s, n, max, kLog2e / temperature, u));
  }
  Candidate* c = s.candidates;
  int count = select_best(kernel, x, n, p.top_k, c);
  if (cut_p) {
    double total = 0;
    for (int i = 0; i < count; i++) total += std::exp((double)c[i].logit - c[0].logit);
    const int reached = reach(c, count, top_p, total);
    count = reached > 0 ? reached : count;
  }
  if (p.min_p > 0)
    while (count > 1 && c[count - 1].logit < floor) count--;
  return result(draw_ranked(c, count, 1.0 / (double)temperature, u));
}

}  // namespace triptych
