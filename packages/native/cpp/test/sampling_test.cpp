#include "sampling/sampling.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <numeric>
#include <vector>

#include "test/check.h"
#include "test/isas.h"

using namespace triptych;
using namespace triptych::test;

namespace {

using Ids = std::vector<int32_t>;

struct Sampler {
  Isa isa;
  std::vector<uint8_t> memory;
  SampleResult operator()(const std::vector<float>& logits, const SamplingParams& p, uint64_t position = 0, const Ids& recent = {},
                          const Ids& generated = {}) {
    memory.resize(sample_scratch_bytes((int)logits.size()) + 64);
    void* scratch = (void*)(((uintptr_t)memory.data() + 63) / 64 * 64);
    return sample(isa, logits.data(), (int)logits.size(), p, recent.data(), (int)recent.size(), generated.data(), (int)generated.size(),
                  position, scratch);
  }
};

std::vector<float> random_logits(int n, Rng& rng, float scale = 2) {
  std::vector<float> x((size_t)n);
  for (float& v : x) v = scale * rng.gauss();
  return x;
}

// The documented procedure, slowly: probability of every token.
std::vector<double> reference(std::vector<float> logits, const SamplingParams& p, const Ids& recent, const Ids& generated) {
  const size_t n = logits.size();
  std::vector<double> x(logits.begin(), logits.end());
  const auto distinct = [](Ids ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
  };
  for (int32_t id : distinct(recent)) x[(size_t)id] = x[(size_t)id] > 0 ? x[(size_t)id] / p.repetition_penalty : x[(size_t)id] * p.repetition_penalty;
  for (int32_t id : distinct(generated)) x[(size_t)id] -= p.presence_penalty;
  for (int32_t id : generated) x[(size_t)id] -= p.frequency_penalty;
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return (float)x[a] > (float)x[b]; });
  size_t keep = p.top_k > 0 ? std::min(n, (size_t)p.top_k) : n;
  const double top = x[order[0]];
  if (p.top_p < 1) {
    double total = 0, sum = 0;
    for (size_t i = 0; i < keep; i++) total += std::exp(x[order[i]] - top);
    for (size_t i = 0; i < keep; i++) {
      sum += std::exp(x[order[i]] - top);
      if (sum >= p.top_p * total) { keep = i + 1; break; }
    }
  }
  while (keep > 1 && std::exp(x[order[keep - 1]] - top) < p.min_p) keep--;
  std::vector<double> out(n, 0.0);
  double total = 0;
  for (size_t i = 0; i < keep; i++) total += out[order[i]] = std::exp((x[order[i]] - top) / p.temperature);
  for (double& v : out) v /= total;
  return out;
}

// Upper 1e-6 point of chi-square with k degrees of freedom (Wilson and Hilferty 1931).
double chi_square_limit(int k) {
  const double z = 4.753, a = 2.0 / (9 * k);
  return k * std::pow(1 - a + z * std::sqrt(a), 3);
}

// Draws at many positions and compares the counts with the reference: nothing outside its support, chi-square inside.
void check_distribution(Isa isa, const std::vector<float>& logits, SamplingParams p, const Ids& recent, const Ids& generated) {
  const int draws = std::getenv("TRIPTYCH_TEST_QUICK") ? 2000 : 8000;
  const std::vector<double> expected = reference(logits, p, recent, generated);
  std::vector<int> count(logits.size(), 0);
  Sampler sampler{isa, {}};
  for (int i = 0; i < draws; i++) count[(size_t)sampler(logits, p, (uint64_t)i, recent, generated).token]++;
  double chi = 0, rare_expected = 0;
  int cells = 0, rare = 0;
  for (size_t i = 0; i < count.size(); i++) {
    if (expected[i] == 0) CHECK_EQ(count[i], 0);
    const double e = expected[i] * draws;
    if (e < 10) {
      rare += count[i];
      rare_expected += e;
    } else {
      chi += (count[i] - e) * (count[i] - e) / e;
      cells++;
    }
  }
  if (rare_expected >= 10) {
    chi += (rare - rare_expected) * (rare - rare_expected) / rare_expected;
    cells++;
  }
  if (cells > 1) CHECK_LE(chi, chi_square_limit(cells - 1));
}

}  // namespace

TEST(sampling_greedy_takes_the_first_largest) {
  Rng rng(1);
  for (Isa isa : available_isas()) {
    Sampler sampler{isa, {}};
    for (int n : {1, 2, 3, 15, 16, 17, 63, 64, 65, 1000, 32000}) {
      std::vector<float> logits = random_logits(n, rng);
      const int a = rng.below(n), b = rng.below(n);
      logits[(size_t)a] = logits[(size_t)b] = 50;
      SamplingParams p;
      p.temperature = 0;
      p.top_k = rng.below(5);
      const SampleResult result = sampler(logits, p);
      CHECK_EQ(result.token, std::min(a, b));
      CHECK_LE(std::fabs(result.logprob - (a == b ? 0 : -std::log(2.0))), 1e-5);
    }
  }
}

// Bound: 2e-5 absolute on a log probability.
TEST(sampling_logprob_is_of_the_unmodified_logits) {
  Rng rng(2);
  for (Isa isa : available_isas()) {
    Sampler sampler{isa, {}};
    for (int i = 0; i < 200; i++) {
      const int n = 1 + rng.below(3000);
      const std::vector<float> logits = random_logits(n, rng, 4);
      SamplingParams p;
      p.temperature = rng.uniform() * 2;
      p.top_k = rng.below(50);
      p.top_p = 0.5f + rng.uniform();
      p.repetition_penalty = 1.3f;
      p.presence_penalty = 0.5f;
      const Ids ids{rng.below(n), rng.below(n)};
      const SampleResult result = sampler(logits, p, (uint64_t)i, ids, ids);
      CHECK(result.token >= 0 && result.token < n);
      double top = -1e300, total = 0;
      for (float x : logits) top = std::max(top, (double)x);
      for (float x : logits) total += std::exp(x - top);
      CHECK_LE(std::fabs(result.logprob - (logits[(size_t)result.token] - top - std::log(total))), 2e-5);
    }
  }
}

TEST(sampling_draws_from_the_exact_distribution) {
  Rng rng(3);
  for (Isa isa : available_isas()) {
    for (int round = 0; round < 12; round++) {
      const int n = 2 + rng.below(round % 3 == 0 ? 3000 : 60);
      std::vector<float> logits = random_logits(n, rng, 1.5f);
      // Ties, so that their order by id matters to the filters.
      for (int i = 0; i < n / 3; i++) logits[(size_t)rng.below(n)] = logits[(size_t)rng.below(n)];
      SamplingParams p;
      p.seed = rng.next();
      p.temperature = 0.3f + 1.5f * rng.uniform();
      if (round & 1) p.top_k = 1 + rng.below(n);
      if (round & 2) p.top_p = 0.3f + 0.69f * rng.uniform();
      if (round & 4) p.min_p = 0.3f * rng.uniform();
      Ids recent, generated;
      if (round >= 6) {
        p.repetition_penalty = 1.4f;
        p.presence_penalty = 0.5f;
        p.frequency_penalty = 0.25f;
        for (int i = 0; i < 6; i++) recent.push_back(rng.below(n)), generated.push_back(rng.below(n));
        recent.push_back(recent[0]), generated.push_back(generated[0]);
      }
      check_distribution(isa, logits, p, recent, generated);
    }
  }
}

// What each filter may return, over many draws at a high temperature (so that everything allowed turns up).
TEST(sampling_filters_keep_exactly_what_they_should) {
  Rng rng(4);
  for (Isa isa : available_isas()) {
    Sampler sampler{isa, {}};
    for (int round = 0; round < 20; round++) {
      const int n = 20 + rng.below(200);
      const std::vector<float> logits = random_logits(n, rng);
      SamplingParams p;
      p.temperature = 1e6f;
      if (round % 4 == 0) p.top_k = 1 + rng.below(6);
      if (round % 4 == 1) p.top_p = 0.5f * rng.uniform();
      if (round % 4 == 2) p.min_p = 0.5f + 0.5f * rng.uniform();
      if (round % 4 == 3) p.top_k = 8, p.top_p = 0.7f, p.min_p = 0.1f;
      const std::vector<double> expected = reference(logits, p, {}, {});
      std::map<int, int> seen;
      const int kept = (int)std::count_if(expected.begin(), expected.end(), [](double x) { return x > 0; });
      for (int i = 0; i < 60 * kept; i++) seen[sampler(logits, p, (uint64_t)i).token]++;
      CHECK_EQ((int)seen.size(), kept);
      for (auto [id, times] : seen) CHECK(expected[(size_t)id] > 0);
    }
  }
}

TEST(sampling_depends_on_seed_and_position_only) {
  Rng rng(5);
  const std::vector<float> logits = random_logits(5000, rng);
  for (Isa isa : available_isas()) {
    SamplingParams p;
    p.seed = 7;
    Sampler a{isa, {}}, b{isa, {}};
    int other_position = 0, other_seed = 0;
    for (uint64_t i = 0; i < 200; i++) {
      const SampleResult first = a(logits, p, i);
      b(random_logits(300, rng), p, i * 3);  // what was drawn before does not matter
      const SampleResult again = b(logits, p, i);
      CHECK(first.token == again.token && first.logprob == again.logprob);
      other_position += a(logits, p, i + 1000).token != first.token;
      SamplingParams q = p;
      q.seed = 8;
      other_seed += a(logits, q, i).token != first.token;
    }
    CHECK(other_position > 150 && other_seed > 150);
  }
}

TEST(sampling_survives_numbers_that_are_not) {
  const float inf = INFINITY, nan = NAN;
  Rng rng(6);
  for (Isa isa : available_isas()) {
    Sampler sampler{isa, {}};
    for (float temperature : {0.0f, 1.0f, -1.0f, nan, inf, 1e-40f})
      for (int filters = 0; filters < 4; filters++) {
        SamplingParams p;
        p.temperature = temperature;
        p.top_k = filters & 1 ? 3 : 0;
        p.top_p = filters & 2 ? 0.5f : nan;
        p.min_p = filters == 3 ? nan : 0.0f;
        p.repetition_penalty = filters == 2 ? nan : 0.5f;
        p.presence_penalty = filters == 1 ? inf : 0.1f;
        const Ids ids{0, 1, -5, 1 << 30};
        const SampleResult none = sampler({nan, nan, -inf}, p, 1, ids, ids);
        CHECK(none.token == 0 && none.logprob == -inf);
        CHECK_EQ(sampler({nan, -inf, -3, nan}, p, 1, ids, ids).token, 2);
        const SampleResult one = sampler({1, inf, 2, -inf}, p, 1, {}, {});
        CHECK(one.token == 1 && one.logprob == 0);
        std::vector<float> mixed = random_logits(100, rng);
        for (int i = 0; i < 50; i++) mixed[(size_t)rng.below(100)] = i % 2 ? nan : -inf;
        for (uint64_t i = 0; i < 50; i++) CHECK(std::isfinite(mixed[(size_t)sampler(mixed, p, i, ids, ids).token]));
      }
    SamplingParams zero;
    zero.top_p = 0;  // the most likely token always stays
    zero.min_p = 5;
    for (uint64_t i = 0; i < 20; i++) CHECK_EQ(sampler({1, 3, 2}, zero, i).token, 1);
  }
}
