#include <algorithm>
#include <cstdlib>
#include <set>

#include "attention/paged_attention.h"
#include "attention/prefetch_cursor.h"
#include "test/attention_case.h"

using namespace triptych;
using namespace triptych::test;

namespace {

// Largest |out - reference| relative to the root mean square of the reference, over `samples` random (row, head).
double relative_error(const AttentionShape& s, const Segment& segment, const float* out, int samples, Rng& rng) {
  double worst = 0, square = 0;
  int n = 0;
  for (int i = 0; i < samples; i++) {
    const int row = i == 0 ? segment.rows - 1 : rng.below(segment.rows), head = i == 0 ? s.q_heads - 1 : rng.below(s.q_heads);
    const size_t at = (size_t)row * s.row() + (size_t)head * (size_t)s.head_dim;
    const std::vector<double> expected = reference_attention(s, segment.q + at, *segment.cache, head / (s.q_heads / s.kv_heads), segment.past + row + 1,
                                                             (double)(1.0f / std::sqrt((float)s.head_dim)));
    for (int d = 0; d < s.head_dim; d++, n++) {
      const double difference = std::fabs((double)out[at + (size_t)d] - expected[(size_t)d]);
      worst = std::max(worst, std::isnan(difference) ? 1e9 : difference);
      square += expected[(size_t)d] * expected[(size_t)d];
    }
  }
  return worst / std::sqrt(square / n);
}

// Stated bound on that error: f32 arithmetic throughout; Amx multiplies bfloat16 pieces of f32 values and keeps 16
// bits of the queries and of the softmax weights.
double bound(Isa isa) { return isa == Isa::Amx ? 2e-4 : 2e-5; }

void check_shape(const AttentionShape& s, int past, int rows, Rng& rng) {
  const Cache cache(s, past + rows, rng);
  const std::vector<float> q = random_queries(s, rows, rng);
  const Segment segment{&cache, past, rows, q.data()};
  for (Isa isa : available_isas()) {
    const std::vector<float> out = run_attention(s, isa, 1 + rng.below(3), {segment});
    const double error = relative_error(s, segment, out.data(), 6, rng);
    if (!(error <= bound(isa)))
      std::printf("  %s q%d kv%d dim%d f32=%d past %d rows %d\n", isa_name(isa), s.q_heads, s.kv_heads, s.head_dim, s.cache_f32, past, rows);
    CHECK_LE(error, bound(isa));
  }
}

bool same_bits(const float* a, const float* b, size_t n) { return memcmp(a, b, n * sizeof(float)) == 0; }

}  // namespace

TEST(attention_matches_reference_on_edge_shapes) {
  Rng rng(11);
  const int dims[] = {8, 16, 24, 32, 48, 64, 80, 96, 128, 256};
  const int groups[] = {1, 2, 3, 5, 7, 8, 9, 16, 17};
  for (int dim : dims)
    for (bool cache_f32 : {false, true}) {
      const int group = groups[rng.below(9)], heads = 1 + rng.below(3);
      const AttentionShape s{group * heads, heads, dim, cache_f32, cache_f32 ? 12 : 6};
      for (auto [past, rows] : {std::pair{0, 1}, {14, 1}, {63, 1}, {64, 1}, {0, 17}, {100, 3}, {509, 6}})
        check_shape(s, past, rows, rng);
    }
}

TEST(attention_matches_reference_for_every_group_size) {
  Rng rng(12);
  for (int group = 1; group <= 17; group++)
    for (bool cache_f32 : {false, true}) {
      check_shape({2 * group, 2, 64, cache_f32}, 70, 1, rng);
      check_shape({2 * group, 2, 64, cache_f32}, 30, 40, rng);
    }
}

TEST(attention_matches_reference_over_many_chunks) {
  Rng rng(13);
  const int cases = quick() ? 4 : 20;
  for (int i = 0; i < cases; i++) {
    const AttentionShape s{8, 2, i % 2 ? 64 : 128, i % 4 >= 2};
    check_shape(s, rng.below(quick() ? 1500 : 5000), 1, rng);
    check_shape(s, rng.below(quick() ? 800 : 3000), 2 + rng.below(70), rng);
  }
}

// Scores far apart (up to 230 in log2), and rising so that the running maximum moves many times. A score's own rounding
// error, a share of its size, is what the bound has to allow here.
TEST(attention_follows_a_rising_maximum) {
  Rng rng(14);
  const AttentionShape s{4, 2, 32, false};
  const int tokens = 700;
  Cache cache(s, tokens, rng);
  for (int t = 0; t < tokens; t++)
    for (int i = 0; i < s.kv_heads * s.head_dim; i++) cache.k.set(t, i, 0.002f * (float)t);
  const std::vector<float> q((size_t)s.row(), 20.0f);
  const Segment segment{&cache, tokens - 1, 1, q.data()};
  for (Isa isa : available_isas()) {
    const std::vector<float> out = run_attention(s, isa, 2, {segment});
    CHECK_LE(relative_error(s, segment, out.data(), 8, rng), 10 * bound(isa));
  }
}

TEST(attention_of_one_token_is_its_value) {
  Rng rng(15);
  const AttentionShape s{6, 2, 64, true};
  const Cache cache(s, 1, rng);
  const std::vector<float> q = random_queries(s, 1, rng);
  for (Isa isa : available_isas()) {
    const std::vector<float> out = run_attention(s, isa, 1, {{&cache, 0, 1, q.data()}});
    for (int head = 0; head < 6; head++)
      for (int d = 0; d < 64; d++)
        CHECK_LE(std::fabs(out[(size_t)(head * 64 + d)] - cache.v.get(0, head / 3 * 64 + d)), isa == Isa::Amx ? 3e-5 : 1e-6);
  }
}

// A NaN or infinity in one row of q or one sequence's cache stays there.
TEST(attention_keeps_a_nan_in_its_row) {
  Rng rng(16);
  const AttentionShape s{4, 2, 64, false};
  const Cache cache(s, 40, rng);
  std::vector<float> q = random_queries(s, 20, rng);
  for (Isa isa : available_isas()) {
    const std::vector<float> clean = run_attention(s, isa, 1, {{&cache, 20, 20, q.data()}});
    std::vector<float> spoiled = q;
    spoiled[7 * s.row() + 3] = NAN;
    const std::vector<float> out = run_attention(s, isa, 1, {{&cache, 20, 20, spoiled.data()}});
    CHECK(std::isnan(out[7 * s.row()]));
    CHECK(same_bits(out.data(), clean.data(), 7 * s.row()));
    CHECK(same_bits(&out[8 * s.row()], &clean[8 * s.row()], 12 * s.row()));
    // Token 30 is past the first rows' positions: they must not see it, be it K or V.
    for (Kind kind : {Kind::Key, Kind::Value}) {
      Cache bad(s, 40, rng);
      memcpy(bad.k.data(), cache.k.data(), cache.k.bytes());
      memcpy(bad.v.data(), cache.v.data(), cache.v.bytes());
      for (int i = 0; i < s.kv_heads * s.head_dim; i++) (kind == Kind::Key ? bad.k : bad.v).set(30, i, NAN);
      const std::vector<float> late = run_attention(s, isa, 1, {{&bad, 20, 20, q.data()}});
      for (int i = 0; i < 10; i++) CHECK(same_bits(&late[(size_t)i * s.row()], &clean[(size_t)i * s.row()], s.row()));
      CHECK(std::isnan(late[10 * s.row()]));
    }
  }
}

// A decoded token whose own key or value is NaN: every head that reads it says so. (Lanes of tokens that are not there hold NaN
// in all tests.)
TEST(attention_shows_a_nan_of_the_last_token) {
  Rng rng(17);
  for (bool cache_f32 : {false, true}) {
    const AttentionShape s{8, 1, 64, cache_f32};
    for (Isa isa : available_isas())
      for (Kind kind : {Kind::Key, Kind::Value}) {
        Cache cache(s, 37, rng);
        const std::vector<float> q = random_queries(s, 1, rng);
        (kind == Kind::Key ? cache.k : cache.v).set(36, 5, NAN);
        const std::vector<float> out = run_attention(s, isa, 1, {{&cache, 36, 1, q.data()}});
        for (int head = 0; head < 8; head++) CHECK(std::isnan(out[(size_t)(head * 64 + 5)]));
        const std::vector<float> before = run_attention(s, isa, 1, {{&cache, 35, 1, q.data()}});
        for (float x : before) CHECK(std::isfinite(x));
      }
  }
}

// The shares of all units together: each line of K's blocks and of the tokens' V, and nothing that is not of the sequence.
TEST(attention_fetches_what_comes_next) {
  struct Tokens {
    const uint8_t *k, *values;
    size_t stride;
    const uint8_t* key_block(int token) const { return k + (size_t)token * stride; }
    const uint8_t* v(int token) const { return values + (size_t)token * stride; }
  };
  for (int heads : {1, 2, 3, 4, 5, 8})
    for (size_t head_bytes : {128, 256})
      for (int first_head : {0, 1})
        for (int end = 64; end <= 128; end++) {
          const size_t stride = (size_t)(heads + first_head) * head_bytes;
          const Tokens tokens{(const uint8_t*)0x100000, (const uint8_t*)0x900000, stride};
          std::set<const uint8_t*> fetched, needed, allowed;
          for (int share = 0; share < heads; share++) {
            PrefetchCursor cursor = prefetch_cursor(tokens, {64, end, first_head, first_head + heads, share, heads}, head_bytes, stride);
            for (; cursor.strips > 0; cursor.fetch(1)) fetched.insert(cursor.stream[cursor.turn] + cursor.at);
          }
          for (int t = 64; t < key_block_end(end); t++)
            for (size_t at = 0; at < (size_t)heads * head_bytes; at += 64) {
              const size_t head_at = (size_t)first_head * head_bytes;
              const uint8_t* k = tokens.k + (size_t)(t / kKeyBlock * kKeyBlock) * stride + head_at * kKeyBlock + (size_t)(t % kKeyBlock) * heads * head_bytes + at;
              const uint8_t* v = tokens.v(t) + head_at + at;
              needed.insert(k), allowed.insert(k), allowed.insert(v);
              if (t < end) needed.insert(v);
            }
          CHECK(std::includes(fetched.begin(), fetched.end(), needed.begin(), needed.end()));
          CHECK(std::includes(allowed.begin(), allowed.end(), fetched.begin(), fetched.end()));
        }
}

TEST(attention_bits_do_not_depend_on_chunking) {
  Rng rng(21);
  struct Plan { AttentionShape shape; int tokens; };
  const Plan plans[] = {{{8, 1, 64, false}, 700}, {{6, 2, 64, true}, 600}, {{4, 4, 80, false}, 550}, {{14, 2, 128, false}, 530}, {{9, 3, 48, false}, 520},
                        {{4, 4, 72, false, 6}, 540}, {{20, 1, 40, true, 12}, 530}, {{17, 1, 24, false, 6}, 515}};
  for (const Plan& plan : plans) {
    const AttentionShape& s = plan.shape;
    const Cache cache(s, plan.tokens, rng);
    const std::vector<float> q = random_queries(s, plan.tokens, rng);
    for (Isa isa : available_isas()) {
      const std::vector<float> whole = run_attention(s, isa, 1, {{&cache, 0, plan.tokens, q.data()}});
      for (int step : {16, 100, 512}) {
        for (int past = 0; past < plan.tokens; past += step) {
          const int rows = std::min(step, plan.tokens - past);
          const std::vector<float> part = run_attention(s, isa, 2, {{&cache, past, rows, &q[(size_t)past * s.row()]}});
          CHECK(same_bits(part.data(), &whole[(size_t)past * s.row()], part.size()));
        }
      }
      for (int past = 0; past < plan.tokens; past += quick() ? 37 : 3) {
        const std::vector<float> part = run_attention(s, isa, 1, {{&cache, past, 1, &q[(size_t)past * s.row()]}});
        CHECK(same_bits(part.data(), &whole[(size_t)past * s.row()], part.size()));
      }
    }
  }
}

TEST(attention_bits_do_not_depend_on_company_or_threads) {
  Rng rng(22);
  const AttentionShape s{12, 4, 64, false};
  std::vector<std::unique_ptr<Cache>> caches;
  std::vector<std::vector<float>> queries;
  std::vector<Segment> segments;
  for (int i = 0; i < 17; i++) {
    const int past = i == 5 ? 2600 : rng.below(i % 3 ? 300 : 1200), rows = i % 4 == 1 ? 1 + rng.below(60) : 1;
    caches.push_back(std::make_unique<Cache>(s, past + rows, rng));
    queries.push_back(random_queries(s, rows, rng));
    segments.push_back({caches.back().get(), past, rows, nullptr});
  }
  for (size_t i = 0; i < segments.size(); i++) segments[i].q = queries[i].data();
  for (Isa isa : available_isas()) {
    const std::vector<float> all = run_attention(s, isa, 1, segments);
    for (int threads : {2, 5}) {
      const std::vector<float> other = run_attention(s, isa, threads, segments);
      CHECK(same_bits(all.data(), other.data(), all.size()));
    }
    size_t row = 0;
    for (const Segment& segment : segments) {
      const std::vector<float> alone = run_attention(s, isa, 2, {segment});
      CHECK(same_bits(alone.data(), &all[row * s.row()], alone.size()));
      row += (size_t)segment.rows;
    }
  }
}

// The benchmark-only paged variant computes the same bits from blocks in random order.
TEST(attention_paged_variant_matches_contiguous) {
  Rng rng(23);
  const AttentionShape s{8, 2, 64, false};
  for (auto [past, rows] : {std::pair{1300, 1}, {200, 90}}) {
    const int tokens = past + rows;
    const Cache contiguous(s, tokens, rng);
    const std::vector<float> q = random_queries(s, rows, rng);
    for (int block : {16, 64, 256}) {
      const int blocks = (tokens + block - 1) / block;
      std::vector<int32_t> table((size_t)blocks);
      for (int i = 0; i < blocks; i++) table[(size_t)i] = i;
      for (int i = blocks - 1; i > 0; i--) std::swap(table[(size_t)i], table[(size_t)rng.below(i + 1)]);
      const size_t block_bytes = (size_t)block * s.stride();
      std::vector<uint8_t> pool((size_t)blocks * 2 * block_bytes);
      for (int i = 0; i < blocks; i++) {
        uint8_t* to = &pool[(size_t)table[(size_t)i] * 2 * block_bytes];
        const size_t from = (size_t)i * block_bytes;
        memcpy(to, contiguous.k.data() + from, std::min(block_bytes, contiguous.k.bytes() - from));
        memcpy(to + block_bytes, contiguous.v.data() + from, std::min(block_bytes, contiguous.v.bytes() - from));
      }
      const PagedCache cache{pool.data(), table.data(), block};
      for (Isa isa : available_isas()) {
        const std::vector<float> expected = run_attention(s, isa, 2, {{&contiguous, past, rows, q.data()}});
        const AttentionSequence sequence{nullptr, nullptr, past, rows, 0};
        std::vector<float> out((size_t)rows * s.row());
        std::vector<uint8_t> memory(attention_scratch_bytes({8, 2, 64, 1, tokens, 2}) + 64);
        const AttentionTask task{isa, false, 8, 2, 64, s.stride(), 0.125f, q.data(), s.row(), out.data(), s.row(), 1, &sequence,
                                 (void*)(((uintptr_t)memory.data() + 63) / 64 * 64)};
        Pool pool_of_threads(2);
        pool_of_threads.run([&](const Worker& worker) {
          paged_attention_compute(task, &cache, worker);
          pool_of_threads.sync();
          paged_attention_merge(task, &cache, worker);
        });
        CHECK(same_bits(out.data(), expected.data(), out.size()));
      }
    }
  }
}

TEST(attention_refuses_shapes_it_cannot_run) {
  CHECK(attention_supported(32, 4, 64));
  CHECK(attention_supported(17, 1, 8));
  CHECK(attention_supported(2, 2, 256));
  CHECK(!attention_supported(32, 5, 64));
  CHECK(!attention_supported(32, 4, 60));
  CHECK(!attention_supported(32, 4, 264));
  CHECK(!attention_supported(0, 0, 64));
  CHECK(!attention_supported(4, 0, 64));
}
