// A whole tiny llama-shaped tape against a float64 forward pass, and the promises of the executor: bits that do not
// depend on chunks, batch or threads, and errors instead of accidents.
#include "program/program.h"

#include "core/f16.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "check.h"
#include "test/isas.h"

using namespace triptych;
using namespace triptych::test;

namespace {

constexpr int kVocab = 70, kWidth = 64, kHidden = 96, kLayers = 2, kHeads = 4, kKvHeads = 2, kDim = 16, kContext = 64, kSlots = 4;
constexpr float kEpsilon = 1e-5f;

// Float32 tensors in a file, as a GGUF's data section holds them.
struct Fixture {
  std::string path;
  std::vector<TensorSource> sources;
  std::vector<std::vector<float>> values;

  Fixture() {
    Rng rng(7);
    add("embedding", kVocab, kWidth, rng, 1.0f);
    for (int l = 0; l < kLayers; l++) {
      add_vector("attn_norm", kWidth, rng);
      add("q", kHeads * kDim, kWidth, rng, 0.2f);
      add("k", kKvHeads * kDim, kWidth, rng, 0.2f);
      add("v", kKvHeads * kDim, kWidth, rng, 0.2f);
      add("o", kWidth, kHeads * kDim, rng, 0.2f);
      add_vector("ffn_norm", kWidth, rng);
      add("gate", kHidden, kWidth, rng, 0.2f);
      add("up", kHidden, kWidth, rng, 0.2f);
      add("down", kWidth, kHidden, rng, 0.2f);
    }
    add_vector("output_norm", kWidth, rng);
    char name[] = "/tmp/triptych-program-XXXXXX";
    const int fd = mkstemp(name);
    path = name;
    for (const auto& v : values) CHECK_EQ((size_t)write(fd, v.data(), v.size() * 4), v.size() * 4);
    close(fd);
  }
  ~Fixture() { std::remove(path.c_str()); }

  void add(const char* name, int n, int k, Rng& rng, float scale) {
    uint64_t offset = 0;
    for (const auto& v : values) offset += v.size() * 4;
    sources.push_back({name, 0, n, k, offset, false});
    values.emplace_back((size_t)n * k);
    for (float& x : values.back()) x = rng.gauss() * scale;
  }
  void add_vector(const char* name, int k, Rng& rng) {
    add(name, 1, k, rng, 0.1f);
    sources.back().vector = true;
    for (float& x : values.back()) x += 1.0f;
  }
};

ProgramSpec spec(int threads, Isa isa, bool cache_f32 = true) {
  ProgramSpec s;
  const auto buffer = [&](int columns, bool outputs = false) {
    s.buffers.push_back({columns, outputs});
    return (int)s.buffers.size() - 1;
  };
  const int x = buffer(kWidth), normed = buffer(kWidth), branch = buffer(kWidth), q = buffer(kHeads * kDim), k = buffer(kKvHeads * kDim),
            v = buffer(kKvHeads * kDim), attended = buffer(kHeads * kDim), gate = buffer(kHidden), up = buffer(kHidden),
            out = buffer(kWidth, true), logits = buffer(kVocab, true);
  const auto op = [&](OpKind kind) -> Op& { s.ops.push_back({kind}); return s.ops.back(); };
  const auto norm = [&](int from, int to, int weight, int add) {
    Op& o = op(OpKind::RmsNorm);
    o.a = from, o.b = to, o.c = add, o.weight[0] = weight;
  };
  const auto linear = [&](int from, std::vector<std::pair<int, int>> parts) {
    Op& o = op(OpKind::Linear);
    o.a = from;
    for (auto [w, to] : parts) o.weight[o.parts] = w, o.part_out[o.parts++] = to;
  };
  Op& embed = op(OpKind::Embed);
  embed.a = x, embed.weight[0] = 0;
  for (int l = 0; l < kLayers; l++) {
    const int w = 1 + l * 9;
    norm(x, normed, w, l ? branch : kNone);
    linear(normed, {{w + 1, q}, {w + 2, k}, {w + 3, v}});
    Op& rope = op(OpKind::RopeStore);
    rope.a = q, rope.b = k, rope.c = v, rope.layer = l;
    Op& attention = op(OpKind::Attention);
    attention.a = q, attention.b = attended, attention.layer = l;
    linear(attended, {{w + 4, branch}});
    norm(x, normed, w + 5, branch);
    linear(normed, {{w + 6, gate}, {w + 7, up}});
    Op& g = op(OpKind::Gate);
    g.a = gate, g.b = up, g.c = gate;
    linear(gate, {{w + 8, branch}});
  }
  Op& add = op(OpKind::Add);
  add.a = x, add.b = branch;
  Op& select = op(OpKind::SelectOutputs);
  select.a = x, select.b = out;
  norm(out, out, 1 + kLayers * 9, kNone);
  linear(out, {{0, logits}});
  s.logits = logits;
  s.layers = kLayers, s.q_heads = kHeads, s.kv_heads = kKvHeads, s.head_dim = kDim, s.cache_f32 = cache_f32;
  s.tensor_bytes = 4096 * ((kContext * kKvHeads * kDim * 4 + 4095) / 4096);
  s.rope_dims = kDim;
  s.rms_epsilon = kEpsilon;
  s.max_tokens = 64, s.max_sequences = kSlots, s.max_outputs = 64;
  s.threads = threads, s.isa = isa;
  return s;
}

// Logits of every position in float64, straight from the definition; K and V rounded as the cache holds them.
std::vector<double> reference(const Fixture& f, const std::vector<int32_t>& tokens, bool cache_f32) {
  using Vec = std::vector<double>;
  const int n = (int)tokens.size();
  const auto matvec = [&](int w, const Vec& x) {
    const TensorSource& s = f.sources[w];
    Vec y(s.n);
    for (int i = 0; i < s.n; i++) for (int j = 0; j < s.k; j++) y[i] += (double)f.values[w][(size_t)i * s.k + j] * x[j];
    return y;
  };
  const auto norm = [&](int w, const Vec& x) {
    double sum = 0;
    for (double v : x) sum += v * v;
    Vec y(x.size());
    for (size_t i = 0; i < x.size(); i++) y[i] = x[i] / std::sqrt(sum / x.size() + kEpsilon) * f.values[w][i];
    return y;
  };
  const auto rope = [&](Vec& x, int position) {
    for (size_t h = 0; h < x.size(); h += kDim)
      for (int i = 0; i < kDim / 2; i++) {
        const double angle = position * std::pow(10000.0, -2.0 * i / kDim), c = std::cos(angle), s = std::sin(angle);
        const double a = x[h + 2 * i], b = x[h + 2 * i + 1];
        x[h + 2 * i] = a * c - b * s;
        x[h + 2 * i + 1] = a * s + b * c;
      }
  };
  std::vector<Vec> keys[kLayers], values[kLayers];
  Vec logits;
  for (int t = 0; t < n; t++) {
    Vec x(f.values[0].begin() + (size_t)tokens[t] * kWidth, f.values[0].begin() + (size_t)(tokens[t] + 1) * kWidth);
    for (int l = 0; l < kLayers; l++) {
      const int w = 1 + l * 9;
      const Vec h = norm(w, x);
      Vec q = matvec(w + 1, h), k = matvec(w + 2, h);
      rope(q, t);
      rope(k, t);
      Vec v = matvec(w + 3, h);
      if (!cache_f32)
        for (Vec* x : {&k, &v}) for (double& e : *x) e = f16_to_f32(f32_to_f16((float)e));
      keys[l].push_back(k);
      values[l].push_back(v);
      Vec attended(kHeads * kDim);
      for (int head = 0; head < kHeads; head++) {
        const int kv = head / (kHeads / kKvHeads) * kDim;
        Vec p(t + 1);
        double sum = 0;
        for (int u = 0; u <= t; u++) {
          double dot = 0;
          for (int d = 0; d < kDim; d++) dot += q[head * kDim + d] * keys[l][u][kv + d];
          sum += p[u] = std::exp(dot / std::sqrt((double)kDim));
        }
        for (int u = 0; u <= t; u++)
          for (int d = 0; d < kDim; d++) attended[head * kDim + d] += p[u] / sum * values[l][u][kv + d];
      }
      const Vec o = matvec(w + 4, attended);
      for (int i = 0; i < kWidth; i++) x[i] += o[i];
      const Vec h2 = norm(w + 5, x), up = matvec(w + 7, h2);
      Vec gate = matvec(w + 6, h2);
      for (int i = 0; i < kHidden; i++) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
      const Vec down = matvec(w + 8, gate);
      for (int i = 0; i < kWidth; i++) x[i] += down[i];
    }
    const Vec y = matvec(0, norm(1 + kLayers * 9, x));
    logits.insert(logits.end(), y.begin(), y.end());
  }
  return logits;
}

struct Machine {
  std::shared_ptr<Weights> weights = std::make_shared<Weights>();
  std::vector<uint8_t> kv;
  std::unique_ptr<Program> program;
  std::string error;
  uint64_t slot_bytes = 0;

  Machine(const Fixture& f, ProgramSpec s) {
    LoadProgress progress;
    error = weights->load(f.path, f.sources, s.threads, progress);
    slot_bytes = 2ull * kLayers * s.tensor_bytes;
    kv.assign(slot_bytes * kSlots, 0xff);  // NaN wherever nothing has been written
    if (error.empty()) program = std::make_unique<Program>(weights, kv.data(), kv.size(), std::move(s), error);
    CHECK(error.empty());
  }

  static Step step(const std::vector<int32_t>& tokens, std::vector<StepSequence> sequences) {
    Step s;
    s.tokens = tokens;
    s.sequences = std::move(sequences);
    for (int i = 0; i < (int)tokens.size(); i++) s.outputs.push_back(i);
    s.sampling.resize(tokens.size());
    for (StepSampling& x : s.sampling) x.params.temperature = 0;
    return s;
  }

  // Logits of all positions of `tokens` in `slot`, computed in chunks.
  std::vector<float> logits(const std::vector<int32_t>& tokens, int slot, int chunk) {
    std::vector<float> all;
    std::vector<SampleResult> results;
    for (int past = 0; past < (int)tokens.size(); past += chunk) {
      const int rows = std::min<int>(chunk, (int)tokens.size() - past);
      const Step s = step({tokens.begin() + past, tokens.begin() + past + rows}, {{slot * slot_bytes, past, rows}});
      CHECK(program->check(s).empty());
      program->run(s, results);
      all.insert(all.end(), program->logits(), program->logits() + (size_t)rows * kVocab);
    }
    return all;
  }
};

std::vector<int32_t> some_tokens(int n, int seed) {
  Rng rng(seed);
  std::vector<int32_t> t(n);
  for (int32_t& x : t) x = rng.below(kVocab);
  return t;
}

}  // namespace

TEST(program_agrees_with_a_float64_forward_pass) {
  const Fixture f;
  const std::vector<int32_t> tokens = some_tokens(40, 3);
  for (bool f32 : {true, false}) {
    const std::vector<double> expected = reference(f, tokens, f32);
    for (Isa isa : available_isas()) {
      Machine m(f, spec(2, isa, f32));
      const std::vector<float> got = m.logits(tokens, 1, 64);
      double worst = 0, largest = 0;
      for (size_t i = 0; i < expected.size(); i++) {
        worst = std::max(worst, std::isfinite(got[i]) ? std::fabs(got[i] - expected[i]) : 1e9);
        largest = std::max(largest, std::fabs(expected[i]));
      }
      // With f16 a value on the edge of two halves may round the other way than the reference's.
      CHECK_LE(worst, (f32 ? 2e-5 : 5e-4) * largest);
    }
  }
}

TEST(program_bits_do_not_depend_on_chunks_threads_or_company) {
  const Fixture f;
  const std::vector<int32_t> tokens = some_tokens(50, 4);
  for (Isa isa : available_isas()) {
    Machine one(f, spec(1, isa, false)), two(f, spec(3, isa, false));
    const std::vector<float> whole = one.logits(tokens, 0, 64);
    for (int chunk : {1, 7, 16}) {
      const std::vector<float> again = two.logits(tokens, 2, chunk);
      CHECK(std::memcmp(whole.data(), again.data(), whole.size() * 4) == 0);
    }
    // The last token decoded among strangers: slot 2 of `two` holds all but it already.
    Step s = Machine::step({}, {});
    std::vector<SampleResult> results;
    const std::vector<int32_t> other = some_tokens(20, 5);
    s = Machine::step(other, {{0, 0, 20}});
    s.tokens.push_back(tokens.back());
    s.sequences.push_back({2 * two.slot_bytes, (int)tokens.size() - 1, 1});
    s.outputs.assign({20});
    s.sampling.resize(1);
    CHECK(two.program->check(s).empty());
    two.program->run(s, results);
    CHECK(std::memcmp(two.program->logits(), whole.data() + (tokens.size() - 1) * kVocab, kVocab * 4) == 0);
    const float* row = two.program->logits();
    CHECK_EQ(results[0].token, (int32_t)(std::max_element(row, row + kVocab) - row));
  }
}

TEST(program_refuses_steps_that_do_not_fit) {
  const Fixture f;
  Machine m(f, spec(1, detect_isa()));
  const auto refused = [&](Step s, const char* part) { CHECK(m.program->check(s).find(part) != std::string::npos); };
  const Step good = Machine::step({1, 2}, {{0, 0, 2}});
  CHECK(m.program->check(good).empty());
  Step s = good;
  s.tokens[0] = kVocab;
  refused(s, "vocabulary");
  s = good, s.tokens[1] = -1;
  refused(s, "vocabulary");
  s = good, s.sequences[0].past = kContext * 100;
  refused(s, "exceed");
  s = good, s.sequences[0].slot_offset = kSlots * m.slot_bytes;
  refused(s, "outside");
  s = good, s.sequences[0].slot_offset = ~0ull;
  refused(s, "outside");
  s = good, s.sequences[0].rows = 1;
  refused(s, "add up");
  s = good, s.outputs = {1, 0};
  refused(s, "ascend");
  s = good, s.outputs = {2}, s.sampling.resize(1);
  refused(s, "ascend");
  s = good, s.sampling[0].recent = 5;
  refused(s, "add up");
  refused(Machine::step({}, {}), "from 1 to");
}

TEST(program_refuses_specs_and_files_that_do_not_fit) {
  const Fixture f;
  const auto error_of = [&](ProgramSpec s) {
    auto weights = std::make_shared<Weights>();
    LoadProgress progress;
    CHECK(weights->load(f.path, f.sources, 1, progress).empty());
    std::vector<uint8_t> kv(1 << 20);
    std::string error;
    Program program(weights, kv.data(), kv.size(), std::move(s), error);
    return error;
  };
  ProgramSpec s = spec(1, detect_isa());
  s.ops[1].weight[0] = 0;
  CHECK(error_of(s).find("op 1") != std::string::npos);
  s = spec(1, detect_isa()), s.ops[2].part_out[0] = 99;
  CHECK(error_of(s).find("op 2") != std::string::npos);
  s = spec(1, detect_isa()), s.kv_heads = 3;
  CHECK(!error_of(s).empty());
  s = spec(0, detect_isa());
  CHECK(error_of(s).find("threads") != std::string::npos);
  const auto refused = [&](ProgramSpec changed, const char* part) { CHECK(error_of(changed).find(part) != std::string::npos); };
  s = spec(1, detect_isa()), s.rope_factors = -2;
  refused(s, "ropeFactors");
  s = spec(1, detect_isa()), s.tensor_bytes = 1ull << 62;
  refused(s, "tensorBytes");
  s = spec(1, detect_isa()), s.tensor_bytes = kKvHeads * kDim * 4 * 15;
  refused(s, "tensorBytes holds no block");
  s = spec(1, detect_isa()), s.max_outputs = 1 << 30;
  refused(s, "maxOutputs");
  s = spec(1, detect_isa()), s.buffers[0].columns = 1 << 30;
  refused(s, "columns");
  // Buffers with a row per output are shorter than those with a row per token: op 3 stores K and V, op 4 attends.
  s = spec(1, detect_isa()), s.buffers.push_back({kKvHeads * kDim, true}), s.ops[3].b = (int)s.buffers.size() - 1;
  refused(s, "op 3");
  s = spec(1, detect_isa()), s.buffers.push_back({kHeads * kDim, true}), s.ops[4].a = (int)s.buffers.size() - 1;
  refused(s, "op 4");

  LoadProgress progress;
  std::vector<TensorSource> beyond = f.sources;
  beyond.back().offset += 4;
  CHECK(Weights().load(f.path, beyond, 1, progress).find("beyond") != std::string::npos);
  CHECK(Weights().load("/nonexistent", f.sources, 1, progress).find("cannot open") != std::string::npos);
  LoadProgress cancelled;
  cancelled.cancel = true;
  CHECK_EQ(Weights().load(f.path, f.sources, 2, cancelled) == "cancelled", true);
}
