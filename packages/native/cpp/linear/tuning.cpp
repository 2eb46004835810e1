// Prefetch distances and the shape of tiles: defaults, and their measurement on the weights at hand.
//
// The best distance has two regimes: about 1 KB while a step is bound by memory (the hardware streamer stays in charge),
// 8 KB and more once computing takes as long as reading. Where one turns into the other depends on the processor, and in
// between there is a sharp dip, so it is worth measuring.
#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "core/pool.h"
#include "linear/kernels.h"

namespace triptych {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::array<int, 6> kDistances{1024, 2048, 3072, 4096, 8192, kFourStreams};
constexpr std::array<int, 4> kRows{1, 2, 4, 8};
constexpr int kMostPairRows = 4;
constexpr int kRounds = 4;
constexpr double kClearly = 1.03;                // by how much faster, to be more than chance: else the default stays
constexpr size_t kSampleBytes = 3u << 20;        // per measurement, all threads together
constexpr size_t kLeastWeights = 64u << 20;      // less stays in cache and measures something else
constexpr auto kBudget = std::chrono::milliseconds(100);

int* distances_of(LinearTuning& t, WeightType type) {
  return type == WeightType::Q8_0 ? t.prefetch_int8 : type == WeightType::Q4_0 ? t.prefetch_int4 : t.prefetch_float;
}
bool* pairs_of(LinearTuning& t, WeightType type) { return type == WeightType::Q8_0 ? t.pairs_int8 : t.pairs_int4; }

// A way to have weights come past.
struct Way {
  int distance;
  bool pairs;
  bool operator==(const Way&) const = default;
};
Way way_of(LinearTuning& t, WeightType type, int rows) {
  return {distances_of(t, type)[rows], is_int8(type) && rows <= kMostPairRows && pairs_of(t, type)[rows]};
}

// Goes around the matrices of one type, so that each sample was last touched as long ago as possible.
struct Cursor {
  std::vector<const PackedWeights*> matrices;
  size_t matrix = 0;
  int panel = 0;

  struct Sample { const PackedWeights* weights; int panel0, panels; };
  Sample next() {
    const PackedWeights& w = *matrices[matrix];
    const int all = panel_count(w.n), want = (int)(kSampleBytes / panel_bytes(w.type, w.k)) + 1;
    const Sample sample{&w, panel, std::min(want, all - panel)};
    panel += sample.panels;
    if (panel == all) panel = 0, matrix = (matrix + 1) % matrices.size();
    return sample;
  }
};

// Seconds per byte of one pass over a sample.
double measure(Isa isa, Pool& pool, const Cursor::Sample& s, int rows, Way way, bool tall_tiles, const uint8_t* activations, float* y,
               uint8_t* scratch) {
  const LinearKernels& kernels = linear_kernels(isa);
  const PackedWeights& w = *s.weights;
  const size_t panel = panel_bytes(w.type, w.k);
  const auto started = Clock::now();
  pool.run([&](const Worker& worker) {
    const int begin = s.panels * worker.index / worker.count, end = s.panels * (worker.index + 1) / worker.count;
    if (begin == end) return;
    const int first = s.panel0 + begin, columns = std::min(w.n, (s.panel0 + end) * kPanel) - first * kPanel;
    const PanelRun run{w.type, w.data + (size_t)first * panel, end - begin, columns, y + begin * kPanel, (size_t)s.panels * kPanel,
                       nullptr, 0, way.distance, way.pairs, tall_tiles, scratch + (size_t)worker.index * run_scratch_bytes(w.k)};
    if (is_int8(w.type)) kernels.int8(run, {activations, rows, int8_group(kernels, tall_tiles, rows), w.k / kBlock, kernels.activation_bytes});
    else if (takes_bf16(kernels, w.type)) kernels.bf16(run, {(const uint32_t*)activations, rows, group_rows(rows, kFloatGroup), w.k});
    else kernels.floats(run, {(const float*)activations, rows, group_rows(rows, kFloatGroup), w.k});
  });
  return std::chrono::duration<double>(Clock::now() - started).count() / ((double)s.panels * (double)panel);
}

bool has_walk(Isa isa) { return isa == Isa::Avx512 || isa == Isa::Avx512Bf16; }

// All that make a difference.
std::vector<Way> ways_of(Isa isa, WeightType type, int rows) {
  const bool pairs = is_int8(type) && isa >= Isa::Avx512 && rows <= kMostPairRows;
  std::vector<Way> ways;
  for (const int distance : kDistances) {
    const bool streams = distance == kFourStreams;  // a mere distance where the kernel has none
    if (streams && (rows < kRows.back() || !has_walk(isa) || !is_int8(type))) continue;
    ways.push_back({distance, false});
    if (pairs) ways.push_back({distance, true});
  }
  return ways;
}

// Whether tall tiles are faster: a few panels that stay in cache times so many rows that both do what they do with many, every thread
// for itself, both in turn. What is `usual` stays unless the other is faster by more than chance.
bool measure_tall(Isa isa, Pool& pool, const PackedWeights& w, bool usual, Clock::time_point deadline) {
  constexpr int kTileRounds = 8, kTileRows = 160;
  const int panels = std::min(panel_count(w.n), panels_per_run(w.k));
  const size_t columns = (size_t)panels * kPanel, threads = (size_t)pool.size(), scratch = run_scratch_bytes(w.k);
  const LinearKernels& kernels = linear_kernels(isa);
  const size_t act = (size_t)(kTileRows + kInt8Group) * (size_t)(w.k / kBlock) * kInt8ActivationBytes;
  std::vector<float> y((size_t)kTileRows * columns * threads);
  std::vector<uint8_t> memory(act + scratch * threads + 64);
  uint8_t* base = memory.data() + (64 - (uintptr_t)memory.data() % 64) % 64;
  std::array<double, 2> best{1e9, 1e9};
  for (int i = 0; i < 2 * kTileRounds; i++) {
    if (Clock::now() >= deadline) return usual;
    const auto started = Clock::now();
    pool.run([&](const Worker& worker) {
      const PanelRun run{w.type, w.data, panels, std::min(w.n, (int)columns), y.data() + (size_t)worker.index * kTileRows * columns, columns,
                         nullptr, 0, 0, false, i % 2 == 1, base + act + (size_t)worker.index * scratch};
      kernels.int8(run, {base, kTileRows, int8_group(kernels, i % 2 == 1, kTileRows), w.k / kBlock});
    });
    best[(size_t)i % 2] = std::min(best[(size_t)i % 2], std::chrono::duration<double>(Clock::now() - started).count());
  }
  return usual ? best[1] <= kClearly * best[0] : kClearly * best[1] < best[0];
}

}  // namespace

LinearTuning linear_default_tuning(Isa isa) {
  LinearTuning t{};
#if defined(TRIPTYCH_X86)
  const bool intel = __builtin_cpu_is("intel") != 0;
#else
  const bool intel = false;
#endif
  t.tall_tiles = has_walk(isa) && intel;
  for (int r = 1; r <= 16; r++) {
    t.prefetch_int8[r] = r <= 2 ? 2048 : r <= 8 ? 3072 : 8192;
    t.prefetch_int4[r] = r <= 2 ? 2048 : 3072;
    t.prefetch_float[r] = 2048;
    t.pairs_int8[r] = t.pairs_int4[r] = intel && isa >= Isa::Avx512;
  }
  return t;
}

LinearTuning linear_autotune(Isa isa, Pool& pool, const PackedWeights* weights, int count) {
  LinearTuning defaults = linear_default_tuning(isa), tuning = defaults;
  if (isa == Isa::Portable) return tuning;
  const auto deadline = Clock::now() + kBudget;
  for (const WeightType type : {WeightType::Q8_0, WeightType::Q4_0, WeightType::F16, WeightType::BF16, WeightType::F32}) {
    Cursor cursor;
    size_t bytes = 0;
    int widest = 0;
    for (int i = 0; i < count; i++) {
      if (weights[i].type != type) continue;
      cursor.matrices.push_back(&weights[i]);
      bytes += packed_bytes(type, weights[i].n, weights[i].k);
      widest = std::max(widest, weights[i].k);
    }
    if (bytes < kLeastWeights) continue;
    if (has_walk(isa) && is_int8(type)) tuning.tall_tiles = measure_tall(isa, pool, *cursor.matrices[0], tuning.tall_tiles, deadline);
    const size_t most_columns = (kSampleBytes / panel_bytes(type, kBlock) + 1) * kPanel;
    std::vector<float> y(most_columns * kRows.back());
    // Zeros are valid activations of every kind and take the same time.
    static_assert(kRows.back() * kMostInt8ActivationBytes <= 4 * kFloatGroup * kBlock);
    const size_t act = (size_t)widest * 4 * kFloatGroup, scratch = run_scratch_bytes(widest) * (size_t)pool.size();
    std::vector<uint8_t> memory(act + scratch + 64);
    uint8_t* base = memory.data() + (64 - (uintptr_t)memory.data() % 64) % 64;
    int* out = distances_of(tuning, type);
    for (const int rows : kRows) {
      const std::vector<Way> ways = ways_of(isa, type, rows);
      std::vector<double> best(ways.size(), 1e9);
      // Round after round over all of them: a change of the machine's pace meets them all.
      for (int round = 0; round < kRounds && Clock::now() < deadline; round++)
        for (size_t i = 0; i < ways.size(); i++)
          best[i] = std::min(best[i], measure(isa, pool, cursor.next(), rows, ways[i], tuning.tall_tiles, base, y.data(), base + act));
      if (Clock::now() >= deadline) return tuning;
      const size_t fastest = (size_t)(std::min_element(best.begin(), best.end()) - best.begin());
      const size_t usual = (size_t)(std::find(ways.begin(), ways.end(), way_of(defaults, type, rows)) - ways.begin());
      const Way chosen = ways[usual < ways.size() && best[usual] <= kClearly * best[fastest] ? usual : fastest];
      for (int r = rows; r <= 16; r++) {
        out[r] = chosen.distance;
        if (is_int8(type)) pairs_of(tuning, type)[r] = chosen.pairs;
      }
    }
  }
  return tuning;
}

}  // namespace triptych
