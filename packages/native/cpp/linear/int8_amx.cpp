// Int8 kernels with AMX tiles, for 9 rows and more.
//
// One tile product multiplies 16 rows x 32 k of activations by 32 k x 16 columns of weights (a block of the packed
// layout as it lies) in 16 cycles, exactly, as integers. The price is what follows: 16 x 16 integers go through memory
// and take two FMAs each to be scaled and added. While tiles are in use only one of the two 512-bit FMA ports works,
// so these FMAs are the bottleneck; everything is arranged so that nothing else is:
//   * accumulators start at kMagicBits instead of zero, so that no conversion is needed (see layout.h; the same two
//     FMAs as in the AVX-512 kernel, hence the same bits);
//   * stores of finished tiles, loads and products of the next ones are interleaved with the FMAs of blocks before,
//     and a tile register is stored only when it is needed again: a store right behind its product would stall;
//   * 64 columns at a time, so that a row's scale is loaded once for four tiles.
#include <string.h>

#include "core/inline.h"
#include "linear/amx_tiles.h"
#include "linear/kernels.h"

namespace triptych {
namespace {

// Where tiles begin to win (measured); below, AVX-512. Q4_0 has to be expanded first, which pays for several groups.
constexpr int kLeastRowsQ8 = 9, kLeastRowsQ4 = 17;
static_assert(kLeastRowsQ4 > kInt8Group);
constexpr int kChunk = 2;     // blocks whose sums stay in registers
constexpr size_t kTileBytes = 1024, kSlotBytes = 4 * kTileBytes;
// Tile registers (only literals are possible in the code): 0..3 accumulators, 4 activations, 5..7 weights.

alignas(64) constexpr int32_t kStart[16] = {kMagicBits, kMagicBits, kMagicBits, kMagicBits, kMagicBits, kMagicBits,
                                            kMagicBits, kMagicBits, kMagicBits, kMagicBits, kMagicBits, kMagicBits,
                                            kMagicBits, kMagicBits, kMagicBits, kMagicBits};

// What stays in L1 during one product of a group with one or two panels.
struct Workspace {
  alignas(4096) uint8_t ring[2 * kChunk * kSlotBytes];  // finished tiles of this chunk and the next
  alignas(64) float scales[kChunk * 4 * 16];
  alignas(64) float sums[16 * 64];
};

struct Product {
  const uint8_t* weights[2];  // signed bytes in Q8_0's layout
  const uint8_t* activations;
  int blocks;
  const uint8_t* ahead[2];    // fetched to L2 meanwhile, `ahead_lines` per block each
  int ahead_lines;
};

// What a product needs in its inner loop. Passed by value and inlined: behind a pointer GCC would read the fields again
// after every tile instruction (they clobber memory).
struct Inner {
  const uint8_t* weights0;
  const uint8_t* weights1;
  const uint8_t* activations;
  uint8_t* ring;
  float* scales;
  float* sums;
};

// 4 * R rows times N tiles of 16 columns: sums [4 * R][N * 16] += products.
template <int R, int N>
struct Multiplier {
  static constexpr int kRows = 4 * R;            // rows of the group
  static constexpr int kUnit = kRows / N;        // rows whose sums are in registers at a time: N units per block
  static constexpr size_t kStride = kRows * kInt8ActivationBytes;  // of activations

  // Tile i of a block: columns 16 * i.
  static TRIPTYCH_INLINE void multiply(const Inner p, int block, int i) {
    const uint8_t* w = (i < 2 ? p.weights0 : p.weights1) + (size_t)block * kQ8BlockBytes + kScaleBytes + (i & 1) * 64;
    switch (i) {
      case 0:
        _tile_loadd(4, p.activations + (size_t)block * kStride, 32);
        _tile_loadd(5, w, 128);
        _tile_loadd(0, kStart, 0);
        _tile_dpbssd(0, 4, 5);
        break;
      case 1:
        _tile_loadd(6, w, 128);
        _tile_loadd(1, kStart, 0);
        _tile_dpbssd(1, 4, 6);
        break;
      case 2:
        _tile_loadd(7, w, 128);
        _tile_loadd(2, kStart, 0);
        _tile_dpbssd(2, 4, 7);
        break;
      default:
        _tile_loadd(5, w, 128);
        _tile_loadd(3, kStart, 0);
        _tile_dpbssd(3, 4, 5);
    }
  }

  // To `slot`, the four tiles of one block.
  static TRIPTYCH_INLINE void store(uint8_t* slot, int i) {
    uint8_t* out = slot + (size_t)i * kTileBytes;
    switch (i) {
      case 0: _tile_stored(0, out, 64); break;
      case 1: _tile_stored(1, out, 64); break;
      case 2: _tile_stored(2, out, 64); break;
      default: _tile_stored(3, out, 64);
    }
  }

  static TRIPTYCH_INLINE void widen_scales(const Inner p, int block, int j) {
#pragma GCC unroll 4
    for (int i = 0; i < N; i++) {
      const uint8_t* w = (i < 2 ? p.weights0 : p.weights1) + (size_t)block * kQ8BlockBytes + (i & 1) * 32;
      _mm512_store_ps(p.scales + (j * 4 + i) * 16, _mm512_cvtph_ps(_mm256_load_si256((const __m256i*)w)));
    }
  }

  using Sums = __m512[kUnit][N];

  static TRIPTYCH_INLINE void load(const Inner p, Sums& sums, int unit) {
#pragma GCC unroll 8
    for (int r = 0; r < kUnit; r++)
#pragma GCC unroll 4
      for (int i = 0; i < N; i++) sums[r][i] = _mm512_load_ps(p.sums + ((unit * kUnit + r) * N + i) * 16);
  }

  static TRIPTYCH_INLINE void save(const Inner p, const Sums& sums, int unit) {
#pragma GCC unroll 8
    for (int r = 0; r < kUnit; r++)
#pragma GCC unroll 4
      for (int i = 0; i < N; i++) _mm512_store_ps(p.sums + ((unit * kUnit + r) * N + i) * 16, sums[r][i]);
  }

  // Rows [unit * kUnit, ...) of a finished block, the j-th of its chunk.
  static TRIPTYCH_INLINE void add(const Inner p, Sums& sums, const uint8_t* slot, int block, int j, int unit) {
    const uint8_t* tiles = slot + unit * kUnit * 64;
    const float* scale = (const float*)(p.activations + (size_t)block * kStride + kRows * 32) + unit * kUnit;
    __m512 s[N];
#pragma GCC unroll 4
    for (int i = 0; i < N; i++) s[i] = _mm512_load_ps(p.scales + (j * 4 + i) * 16);
#pragma GCC unroll 8
    for (int r = 0; r < kUnit; r++) {
      const __m512 e = _mm512_set1_ps(scale[r]), m = _mm512_set1_ps(scale[kRows + r]);
#pragma GCC unroll 4
      for (int i = 0; i < N; i++) {
        const __m512 v = _mm512_load_ps(tiles + (size_t)i * kTileBytes + r * 64);
        sums[r][i] = _mm512_fmadd_ps(_mm512_fmadd_ps(v, e, m), s[i], sums[r][i]);
      }
    }
  }

  // Unit u's share of what a chunk starting at block c fetches: spread, or the requests would fill L1's miss buffers.
  static TRIPTYCH_INLINE void fetch(const Product& product, int c, int u) {
    const int lines = kChunk * product.ahead_lines;
    for (int i = u; i < lines; i += N * kChunk)
      for (int h = 0; h < N / 2; h++)
        _mm_prefetch((const char*)product.ahead[h] + ((size_t)c * (size_t)product.ahead_lines + (size_t)i) * 64, _MM_HINT_T1);
  }

  // An even number of blocks, in chunks: while the FMAs add chunk c, the tiles of chunk c + 1 are stored and, one block
  // further, computed.
  static TRIPTYCH_INLINE void pipeline(const Inner p, const Product& product, int blocks) {
#pragma GCC unroll 4
    for (int i = 0; i < N; i++) multiply(p, 0, i);
#pragma GCC unroll 8
    for (int u = 0; u < N * kChunk; u++) {
      store(p.ring + u / N * kSlotBytes, u % N);
      if (u / N + 1 < blocks) multiply(p, u / N + 1, u % N);
    }
    uint8_t *done = p.ring, *next = p.ring + kChunk * kSlotBytes;
    for (int c = 0; c < blocks; c += kChunk) {
#pragma GCC unroll 2
      for (int j = 0; j < kChunk; j++) widen_scales(p, c + j, j);
      const bool more = c + kChunk < blocks;
#pragma GCC unroll 4
      for (int unit = 0; unit < N; unit++) {
        Sums sums;
        load(p, sums, unit);
#pragma GCC unroll 2
        for (int j = 0; j < kChunk; j++) {
          const int u = unit * kChunk + j, block = c + kChunk + u / N;
          if (more) {
            store(next + u / N * kSlotBytes, u % N);
            if (block + 1 < blocks) multiply(p, block + 1, u % N);
          }
          add(p, sums, done + j * kSlotBytes, c + j, j, unit);
          fetch(product, c, u);
        }
        save(p, sums, unit);
      }
      uint8_t* const swap = done;
      done = next;
      next = swap;
    }
  }

  // A last odd block.
  static TRIPTYCH_INLINE void alone(const Inner p, int block) {
#pragma GCC unroll 4
    for (int i = 0; i < N; i++) multiply(p, block, i);
#pragma GCC unroll 4
    for (int i = 0; i < N; i++) store(p.ring, i);
    widen_scales(p, block, 0);
    for (int unit = 0; unit < N; unit++) {
      Sums sums;
      load(p, sums, unit);
      add(p, sums, p.ring, block, 0, unit);
      save(p, sums, unit);
    }
  }
};

template <int R, int N>
__attribute__((noinline)) void multiply(const Product& product, Workspace& ws) {
  const Inner p{product.weights[0], product.weights[1], product.activations, ws.ring, ws.scales, ws.sums};
  const int even = product.blocks / kChunk * kChunk;
  if (even) Multiplier<R, N>::pipeline(p, product, even);
  if (even < product.blocks) Multiplier<R, N>::alone(p, even);
}

using MultiplyFn = void (*)(const Product&, Workspace&);
constexpr MultiplyFn kMultiply[5][2] = {{nullptr, nullptr}, {multiply<1, 2>, multiply<1, 4>}, {multiply<2, 2>, multiply<2, 4>},
                                        {multiply<3, 2>, multiply<3, 4>}, {multiply<4, 2>, multiply<4, 4>}};

// Q4_0 blocks to signed bytes in Q8_0's layout.
void expand(const uint8_t* src, int blocks, uint8_t* dst) {
  const __m512i low = _mm512_set1_epi8(15), eight = _mm512_set1_epi8(8);
  for (int b = 0; b < blocks; b++, src += kQ4BlockBytes, dst += kQ8BlockBytes) {
    _mm512_store_si512(dst, _mm512_load_si512(src));
#pragma GCC unroll 8
    for (int i = 0; i < 512; i += 64) {
      const __m512i v = _mm512_load_si512(src + kScaleBytes + i);
      _mm512_store_si512(dst + kScaleBytes + i, _mm512_sub_epi8(_mm512_and_si512(v, low), eight));
      _mm512_store_si512(dst + kScaleBytes + 512 + i, _mm512_sub_epi8(_mm512_and_si512(_mm512_srli_epi16(v, 4), low), eight));
    }
  }
}

void configure(int group) {
  AmxConfig config;
  for (int t = 0; t < 4; t++) config.set(t, group, 64);
  config.set(4, group, 32);
  for (int t = 5; t < 8; t++) config.set(t, 8, 64);
  config.load();
}

class Run {
 public:
  Run(const PanelRun& panel_run, const Int8Activations& activations)
      : run(panel_run), act(activations) {}

  // One group of rows (Q8_0 only, see kLeastRowsQ4): weights stream past once, two panels at a time.
  void stream() {
    const size_t panel = (size_t)act.blocks * kQ8BlockBytes;
    for (int p = 0; p < run.panels; p += 2) {
      const int count = run.panels - p < 2 ? 1 : 2;
      Product product{};
      for (int h = 0; h < count; h++) {
        product.weights[h] = run.data + (size_t)(p + h) * panel;
        product.ahead[h] = product.weights[h] + run.prefetch;
      }
      product.activations = act.data;
      product.blocks = act.blocks;
      product.ahead_lines = kQ8BlockBytes / 64;
      clear();
      call(product, count);
      write(0, p, count);
    }
  }

  // Several groups: the run's panels stay in L2 while all groups walk them; the next run is fetched meanwhile.
  void resident() {
    const uint8_t* data = run.data;
    const size_t bytes = (size_t)act.blocks * kQ8BlockBytes;
    if (run.type == WeightType::Q4_0) {
      expand(run.data, act.blocks * run.panels, run.scratch);
      data = run.scratch;
    }
    const int groups = act.groups(), pairs = (run.panels + 1) / 2;
    const size_t steps = (size_t)groups * (size_t)pairs * (size_t)act.blocks;
    const size_t next_lines = run.next_bytes / 64, per_step = (next_lines + steps - 1) / steps;
    size_t fetched = 0;
    for (int g = 0; g < groups; g++)
      for (int p = 0; p < run.panels; p += 2) {
        const int count = run.panels - p < 2 ? 1 : 2;
        Product product{};
        for (int h = 0; h < count; h++) product.weights[h] = data + (size_t)(p + h) * bytes;
        product.activations = act.data + (size_t)g * act.group_stride();
        product.blocks = act.blocks;
        product.ahead[0] = product.ahead[1] = run.data;
        if (fetched < next_lines) {
          // Both halves of `ahead` name the same lines: fetching one twice costs next to nothing.
          product.ahead[0] = product.ahead[1] = run.next + fetched * 64;
          product.ahead_lines = (int)per_step;
          fetched += per_step * (size_t)act.blocks;
        }
        fetch_output(g, p, count);
        clear();
        call(product, count);
        write(g, p, count);
      }
  }

 private:
  const PanelRun& run;
  const Int8Activations& act;
  Workspace ws;

  void clear() {
    const __m512 zero = _mm512_setzero_ps();
    for (int i = 0; i < act.group * 64; i += 16) _mm512_store_ps(ws.sums + i, zero);
  }

  void call(const Product& product, int count) {
    // The tile loads in there are asm that does not say what it reads: everything written must be in memory by now.
    asm volatile("" ::: "memory");
    kMultiply[act.group / 4][count - 1](product, ws);
  }

  // The lines of y that the product will write: without this the stores wait for each of them.
  TRIPTYCH_INLINE void fetch_output(int g, int p, int count) {
    for (int r = 0; r < act.rows_of(g); r++) {
      const char* y = (const char*)(run.y + (size_t)(g * act.group + r) * run.y_stride + p * kPanel);
      for (int i = 0; i < count * 2; i++) _mm_prefetch(y + i * 64, _MM_HINT_T1);
    }
  }

  void write(int g, int p, int count) {
    const int left = run.columns - p * kPanel, columns = left < count * kPanel ? left : count * kPanel;
    for (int r = 0; r < act.rows_of(g); r++)
      memcpy(run.y + (size_t)(g * act.group + r) * run.y_stride + p * kPanel, ws.sums + r * count * kPanel, (size_t)columns * 4);
  }
};

void int8_panels(const PanelRun& run, const Int8Activations& act) {
  if (act.rows < (run.type == WeightType::Q8_0 ? kLeastRowsQ8 : kLeastRowsQ4)) return int8_panels_avx512(run, act);
  configure(act.group);
  Run r(run, act);
  if (act.groups() == 1) r.stream();
  else r.resident();
  _tile_release();
}

}  // namespace

const LinearKernels kLinearAmx{quantize_avx512, int8_panels, float_panels_avx512};

}  // namespace triptych
