// The two phases of a linear layer: which kernels, which thread does what.
#include "linear/linear.h"

#include <string.h>

#include <algorithm>

#include "linear/kernels.h"

namespace triptych {
namespace {

constexpr size_t kAlign = 64;
// Up to this many rows a step is bound by reading weights: each thread reads one contiguous share. Above it threads
// claim runs of panels, so that a core that is slower or busy does not hold the other up.
constexpr int kStreamRows = 16;

size_t round_up(size_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

// Enough for groups of any height.
size_t activation_bytes(WeightType type, int rows, int k) {
  const size_t padded = (size_t)(rows + (is_int8(type) ? kInt8Group : kFloatGroup) - 1);
  return round_up(padded * (is_int8(type) ? (size_t)(k / kBlock) * kMostInt8ActivationBytes : (size_t)k * 4));
}

LinearTuning tuning_of(const LinearTask& t) { return t.tuning ? *t.tuning : linear_default_tuning(t.isa); }

Int8Activations int8_activations(const LinearTask& t, const LinearTuning& tuning) {
  const LinearKernels& kernels = linear_kernels(t.isa);
  return {(const uint8_t*)t.scratch, t.rows, int8_group(kernels, tuning.tall_tiles, t.rows), t.weights[0]->k / kBlock,
          kernels.activation_bytes};
}

template <class Activations>
Activations element_activations(const LinearTask& t) {
  return {(decltype(Activations::data))t.scratch, t.rows, group_rows(t.rows, kFloatGroup), t.weights[0]->k};
}

struct Range { int begin, end; };
Range share(int total, const Worker& w) {
  return {(int)((int64_t)total * w.index / w.count), (int)((int64_t)total * (w.index + 1) / w.count)};
}

struct Streaming { int prefetch; bool pairs; };
Streaming streaming_of(const LinearTuning& tuning, WeightType type, int rows) {
  const int r = rows < 16 ? rows : 16;
  if (type == WeightType::Q8_0) return {tuning.prefetch_int8[r], tuning.pairs_int8[r]};
  if (type == WeightType::Q4_0) return {tuning.prefetch_int4[r], tuning.pairs_int4[r]};
  return {tuning.prefetch_float[r], false};
}

// Everything linear_compute needs to run panels of any part.
struct Plan {
  const LinearTask& task;
  const LinearKernels& kernels;
  LinearTuning tuning;
  uint8_t* scratch;

  Plan(const LinearTask& t, const Worker& w)
      : task(t), kernels(linear_kernels(t.isa)), tuning(tuning_of(t)) {
    const PackedWeights& first = *t.weights[0];
    scratch = (uint8_t*)t.scratch + activation_bytes(first.type, t.rows, first.k) + (size_t)w.index * run_scratch_bytes(first.k);
  }

  void run(int part, int panel0, int panel1, const uint8_t* next, size_t next_bytes) const {
    const PackedWeights& w = *task.weights[part];
    const int end = panel1 * kPanel < w.n ? panel1 * kPanel : w.n;
    const Streaming streaming = streaming_of(tuning, w.type, task.rows);
    const PanelRun r{w.type, w.data + (size_t)panel0 * panel_bytes(w.type, w.k), panel1 - panel0, end - panel0 * kPanel,
                     task.y[part] + (size_t)panel0 * kPanel, task.y_stride[part], next, next_bytes,
                     streaming.prefetch, streaming.pairs, tuning.tall_tiles, scratch};
    if (is_int8(w.type)) kernels.int8(r, int8_activations(task, tuning));
    else if (takes_bf16(kernels, w.type)) kernels.bf16(r, element_activations<Bf16Activations>(task));
    else kernels.floats(r, element_activations<FloatActivations>(task));
  }
};

void compute_streaming(const Plan& plan, const Worker& worker) {
  const LinearTask& t = plan.task;
  int total = 0;
  for (int i = 0; i < t.parts; i++) total += panel_count(t.weights[i]->n);
  Range mine = share(total, worker);
  for (int i = 0, first = 0; i < t.parts; i++) {
    const int count = panel_count(t.weights[i]->n);
    const int begin = mine.begin > first ? mine.begin - first : 0, end = mine.end - first < count ? mine.end - first : count;
    if (begin < end) plan.run(i, begin, end, nullptr, 0);
    first += count;
  }
}

void compute_claiming(const Plan& plan, const Worker& worker) {
  const LinearTask& t = plan.task;
  const int k = t.weights[0]->k;
  int total = 0;
  for (int i = 0; i < t.parts; i++) total += panel_count(t.weights[i]->n);
  // At least four claims per thread, so that the last ones even out.
  const int even = total / (4 * worker.count), most = panels_per_run(k);
  const int per_run = even >= most ? most : even >= 2 ? 2 : 1;

  // The last ones panel by panel, so that threads end together.
  const int singles = per_run * worker.count;
  struct Unit { int part, panel0, panel1; };
  const auto claim = [&](Unit& u) {
    int index = worker.take(1);
    for (u.part = 0; u.part < t.parts; u.part++) {
      const int panels = panel_count(t.weights[u.part]->n), tail = u.part + 1 < t.parts || panels < singles ? 0 : singles;
      const int runs = (panels - tail + per_run - 1) / per_run, single0 = tail > 0 ? std::min(runs * per_run, panels) : panels;
      if (index < runs) {
        u.panel0 = index * per_run;
        u.panel1 = std::min(u.panel0 + per_run, single0);
        return true;
      }
      index -= runs;
      if (index < panels - single0) {
        u.panel0 = single0 + index;
        u.panel1 = u.panel0 + 1;
        return true;
      }
      index -= panels - single0;
    }
    return false;
  };
  Unit now, next;
  bool more = claim(now);
  while (more) {
    more = claim(next);
    const uint8_t* data = nullptr;
    size_t bytes = 0;
    if (more) {
      const PackedWeights& w = *t.weights[next.part];
      const size_t panel = panel_bytes(w.type, w.k);
      data = w.data + (size_t)next.panel0 * panel;
      bytes = (size_t)(next.panel1 - next.panel0) * panel;
    }
    plan.run(now.part, now.panel0, now.panel1, data, bytes);
    now = next;
  }
}

}  // namespace

const LinearKernels& linear_kernels(Isa isa) {
#if defined(TRIPTYCH_X86)
  if (isa == Isa::Amx) return kLinearAmx;
  if (isa == Isa::Avx512Bf16) return kLinearAvx512Bf16;
  if (isa == Isa::Avx512) return kLinearAvx512;
  if (isa == Isa::AvxVnni) return kLinearAvxVnni;
  if (isa == Isa::Avx2) return kLinearAvx2;
#endif
  (void)isa;
  return kLinearPortable;
}

bool linear_compatible(WeightType a, WeightType b) {
  return is_int8(a) == is_int8(b) && (a == WeightType::BF16) == (b == WeightType::BF16);
}

size_t linear_scratch_bytes(WeightType type, int rows, int k, int threads) {
  return activation_bytes(type, rows, k) + (size_t)threads * run_scratch_bytes(k);
}

void linear_prepare(const LinearTask& t, const Worker& worker) {
  const int k = t.weights[0]->k;
  if (is_int8(t.weights[0]->type)) {
    const Int8Activations act = int8_activations(t, tuning_of(t));
    const LinearKernels& kernels = linear_kernels(t.isa);
    // Few groups: every thread takes some blocks of each row; many: some groups. Never rows of one group: their scales
    // lie side by side, and two cores writing one cache line take turns.
    const bool by_blocks = act.groups() < 4 * worker.count;
    const Range groups = by_blocks ? Range{0, act.groups()} : share(act.groups(), worker);
    const Range blocks = by_blocks ? share(act.blocks, worker) : Range{0, act.blocks};
    // All rows of a few blocks at a time: the rows of a block share cache lines.
    constexpr int kPiece = 8;
    for (int g = groups.begin; g < groups.end; g++)
      for (int b = blocks.begin; b < blocks.end; b += kPiece)
        for (int r = 0; r < act.group; r++) {
          const float* x = r < act.rows_of(g) ? t.x + (size_t)(g * act.group + r) * t.x_stride : nullptr;
          const int end = b + kPiece < blocks.end ? b + kPiece : blocks.end;
          // Hardware does not see the next row coming: half of the time went to waiting for it.
          if (r + 1 < act.rows_of(g))
            for (int i = b * kBlock; i < end * kBlock; i += 16) __builtin_prefetch(x + t.x_stride + i);
          kernels.quantize(x, b, end, (uint8_t*)t.scratch + (size_t)g * act.group_stride(), act.group, r);
        }
    return;
  }
  const LinearKernels& kernels = linear_kernels(t.isa);
  if (takes_bf16(kernels, t.weights[0]->type)) {
    const Bf16Activations act = element_activations<Bf16Activations>(t);
    const Range pairs = share(act.elements(), worker);
    for (int g = 0; g < act.groups(); g++)
      for (int r = 0; r < act.group; r++) {
        const float* x = r < act.rows_of(g) ? t.x + (size_t)(g * act.group + r) * t.x_stride : nullptr;
        kernels.round_bf16(x, k, pairs.begin, pairs.end, (uint32_t*)t.scratch + (size_t)g * act.group_stride(), act.group, r);
      }
    return;
  }
  const FloatActivations act = element_activations<FloatActivations>(t);
  const Range ks = share(k, worker);
  for (int g = 0; g < act.groups(); g++) {
    float* out = (float*)t.scratch + (size_t)g * act.group_stride();
    for (int r = 0; r < act.group; r++) {
      const bool exists = r < act.rows_of(g);
      const float* x = t.x + (size_t)(exists ? g * act.group + r : 0) * t.x_stride;
      for (int i = ks.begin; i < ks.end; i++) out[(size_t)i * act.group + r] = exists ? x[i] : 0.0f;
    }
  }
}

void linear_compute(const LinearTask& t, const Worker& worker) {
  const Plan plan(t, worker);
  if (t.rows <= kStreamRows) compute_streaming(plan, worker);
  else compute_claiming(plan, worker);
}

}  // namespace triptych
