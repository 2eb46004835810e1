// Q8_0 with AMX's bfloat16 tiles, for any number of rows.
//
// A weight becomes bf16(scale * q) on the way into a tile, an activation bf16(x), and a tile register sums a whole row
// of 16 x 16 outputs over k without leaving the tile unit: 16 cycles for 16 x 16 x 32 products. (With int8 tiles every
// block's integers would have to be stored, scaled and added by the vector units, at 66 cycles.)
//
// One instruction computes every output, in blocks of 32 k, whatever the number of rows: that gives the same bits
// everywhere. Within a block it sums the even and the odd places of the tile's rows in two chains and adds both to the
// output (Intel's manual, TDPBF16PS; denormals are zero).
#include <immintrin.h>
#include <string.h>

#include "linear/amx_tiles.h"
#include "linear/kernels.h"

namespace triptych {
namespace {

#define TRIPTYCH_INLINE inline __attribute__((always_inline))

constexpr size_t kTile = 1024;     // bytes: 16 rows of 64
constexpr int kExpandAhead = 2048;  // bytes, while expanding from memory
// Rounding the product down to eight bits (below) loses half a step on average, 0.72 / 256 of its size; 1 + 3 / 1024 is
// the nearest that f16 has.
constexpr uint16_t kHalfStep = 0x3c03;
// Tile registers (only literals are possible in the code): 0..3 outputs, 4 and 5 activations, 6 and 7 weights; 5..7
// weights when there is one tile of activations.

// The scale of 16 columns as f16 mantissa and bf16 exponent, each twice: once for each place of a pair.
struct Scale {
  __m512h mantissa;
  __m512i exponent;
};

TRIPTYCH_INLINE Scale split_scale(const uint8_t* f16) {
  const __m512i twice = _mm512_set_epi16(15, 15, 14, 14, 13, 13, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8, 7, 7, 6, 6, 5, 5, 4, 4, 3, 3,
                                         2, 2, 1, 1, 0, 0);
  const __m256h d = _mm256_castsi256_ph(_mm256_load_si256((const __m256i*)f16));
  const __mmask16 some = _mm256_cmp_ph_mask(d, _mm256_setzero_ph(), _CMP_NEQ_UQ);
  const __m256h half_step = _mm256_castsi256_ph(_mm256_set1_epi16(kHalfStep));
  const __m256h m = _mm256_maskz_mul_ph(some, _mm256_getmant_ph(d, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src), half_step);
  // From f16's exponent bias (15) to bf16's (127), less the 8 bits that q stands too high.
  const __m256i e = _mm256_add_epi16(_mm256_cvtph_epi16(_mm256_getexp_ph(d)), _mm256_set1_epi16(127 - 15 - 8));
  const __m256i exponent = _mm256_maskz_slli_epi16(some, e, 7);
  return {_mm512_castsi512_ph(_mm512_permutexvar_epi16(twice, _mm512_castsi256_si512(_mm256_castph_si256(m)))),
          _mm512_permutexvar_epi16(twice, _mm512_castsi256_si512(exponent))};
}

// 32 integers q * 256 to bf16(q * scale). f16 has three bits of mantissa more than bf16: shifting them out and adding
// the exponent makes one the other. (A zero becomes scale / 2^15: less than any rounding here.)
TRIPTYCH_INLINE __m512i to_bf16(__m512i high_bytes, const Scale& s) {
  const __m512i h = _mm512_castph_si512(_mm512_mul_ph(_mm512_cvtepi16_ph(high_bytes), s.mantissa));
  const __m512i shifted = _mm512_and_si512(_mm512_srai_epi16(h, 3), _mm512_set1_epi16((short)0x8fff));
  return _mm512_add_epi16(shifted, s.exponent);
}

// 16 of the 32 columns of block `w`. Each line of [16 columns x 4 k] gives two rows of the tile: its even k and its odd
// k, the order in which round_bf16 puts the activations.
TRIPTYCH_INLINE void expand_tile(const uint8_t* w, int half, int distance, uint8_t* tile) {
  const Scale s = split_scale(w + half * 32);
  const uint8_t* line = w + kScaleBytes + half * 64;
  const __m512i high = _mm512_set1_epi16((short)0xff00);
#pragma GCC unroll 8
  for (int g = 0; g < 8; g++) {
    // Streams go to L2: a burst into L1 would fill its miss buffers.
    _mm_prefetch((const char*)line + g * 128 + distance, _MM_HINT_T1);
    const __m512i v = _mm512_load_si512(line + g * 128);
    _mm512_store_si512(tile + g * 128, to_bf16(_mm512_slli_epi16(v, 8), s));
    _mm512_store_si512(tile + g * 128 + 64, to_bf16(_mm512_and_si512(v, high), s));
  }
}

// The tile loads are asm that does not say what it reads: everything written must be in memory by then.
TRIPTYCH_INLINE void publish() { asm volatile("" ::: "memory"); }

// One tile of rows (at most 16): weights stream past once, P panels at a time as one stream of memory each.
template <int P>
__attribute__((noinline)) void stream_panels(const uint8_t* weights, size_t panel, const Bf16Activations& act, int distance,
                                             float* sums) {
  alignas(4096) uint8_t tiles[2][P * 2 * kTile];
  const uint8_t *w0 = weights, *w1 = weights + panel, *a = act.data;
  const size_t step = act.tile_bytes(), row = 64;
  const int blocks = act.blocks;
  const auto expand = [&](int b) __attribute__((always_inline)) {
    uint8_t* out = tiles[b & 1];
    const size_t at = (size_t)b * kQ8BlockBytes;
    _mm_prefetch((const char*)w0 + at + distance, _MM_HINT_T1);
    expand_tile(w0 + at, 0, distance, out);
    expand_tile(w0 + at, 1, distance, out + kTile);
    if constexpr (P == 2) {
      _mm_prefetch((const char*)w1 + at + distance, _MM_HINT_T1);
      expand_tile(w1 + at, 0, distance, out + 2 * kTile);
      expand_tile(w1 + at, 1, distance, out + 3 * kTile);
    }
  };
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (P == 2) {
    _tile_zero(2);
    _tile_zero(3);
  }
  expand(0);
  for (int b = 0; b < blocks; b++, a += step) {
    if (b + 1 < blocks) expand(b + 1);
    publish();
    const uint8_t* in = tiles[b & 1];
    _tile_loadd(4, a, row);
    _tile_loadd(5, in, 64);
    _tile_dpbf16ps(0, 4, 5);
    _tile_loadd(6, in + kTile, 64);
    _tile_dpbf16ps(1, 4, 6);
    if constexpr (P == 2) {
      _tile_loadd(7, in + 2 * kTile, 64);
      _tile_dpbf16ps(2, 4, 7);
      _tile_loadd(5, in + 3 * kTile, 64);
      _tile_dpbf16ps(3, 4, 5);
    }
  }
  constexpr size_t kStride = P * kPanel * 4;
  _tile_stored(0, sums, kStride);
  _tile_stored(1, sums + 16, kStride);
  if constexpr (P == 2) {
    _tile_stored(2, sums + 32, kStride);
    _tile_stored(3, sums + 48, kStride);
  }
}

// Where a product goes: rows are pages apart, so their lines are fetched, one row a block, before they are written.
struct Output {
  float* y;
  size_t stride;
  int rows, columns;

  TRIPTYCH_INLINE void fetch(int row) const {
    if (row >= rows) return;
    _mm_prefetch((const char*)(y + (size_t)row * stride), _MM_HINT_T1);
    _mm_prefetch((const char*)(y + (size_t)row * stride) + 64, _MM_HINT_T1);
  }
  void write(const float* sums) const {
    for (int r = 0; r < rows; r++) memcpy(y + (size_t)r * stride, sums + r * kPanel, (size_t)columns * 4);
  }
};

// Two tiles of rows times one panel, over all blocks.
TRIPTYCH_INLINE void multiply_pair(const uint8_t* a0, const uint8_t* a1, const uint8_t* tiles, int blocks, const Output& out) {
  alignas(64) float sums[32 * kPanel];
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int b = 0; b < blocks; b++, a0 += kTile, a1 += kTile, tiles += 2 * kTile) {
    _tile_loadd(6, tiles, 64);
    _tile_loadd(4, a0, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, tiles + kTile, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a1, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
    out.fetch(b);
  }
  _tile_stored(0, sums, kPanel * 4);
  _tile_stored(1, sums + 16, kPanel * 4);
  _tile_stored(2, sums + 16 * kPanel, kPanel * 4);
  _tile_stored(3, sums + 16 * kPanel + 16, kPanel * 4);
  out.write(sums);
}

// A last odd tile of rows.
TRIPTYCH_INLINE void multiply_single(const uint8_t* a, const uint8_t* tiles, int blocks, const Output& out) {
  alignas(64) float sums[16 * kPanel];
  _tile_zero(0);
  _tile_zero(1);
  for (int b = 0; b < blocks; b++, a += kTile, tiles += 2 * kTile) {
    _tile_loadd(4, a, 64);
    _tile_loadd(6, tiles, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, tiles + kTile, 64);
    _tile_dpbf16ps(1, 4, 7);
    out.fetch(b);
  }
  _tile_stored(0, sums, kPanel * 4);
  _tile_stored(1, sums + 16, kPanel * 4);
  out.write(sums);
}

void configure(int rows) {
  AmxConfig config;
  for (int t = 0; t < 8; t++) config.set(t, 16, 64);
  // One tile of rows: outputs and activations are only as high as there are rows.
  if (rows < 16)
    for (int t = 0; t < 5; t++) config.set(t, rows, 64);
  config.load();
}

void stream(const PanelRun& run, const Bf16Activations& act) {
  const size_t panel = (size_t)act.blocks * kQ8BlockBytes;
  alignas(64) float sums[16 * 2 * kPanel];
  for (int p = 0; p < run.panels; p += 2) {
    const int count = run.panels - p < 2 ? 1 : 2;
    (count == 2 ? stream_panels<2> : stream_panels<1>)(run.data + (size_t)p * panel, panel, act, run.prefetch, sums);
    const int left = run.columns - p * kPanel, columns = left < count * kPanel ? left : count * kPanel;
    for (int r = 0; r < act.rows; r++)
      memcpy(run.y + (size_t)r * run.y_stride + p * kPanel, sums + r * count * kPanel, (size_t)columns * 4);
  }
}

// The run's panels are expanded once and stay in L2, while each pair of row tiles (its activations stay there too) walks
// over them; what this thread reads next is fetched meanwhile.
void walk(const PanelRun& run, const Bf16Activations& act) {
  const size_t expanded = (size_t)act.blocks * 2 * kTile;
  const size_t row_tile = act.tile_bytes() * (size_t)act.blocks;
  uint8_t* const tiles = (uint8_t*)(((uintptr_t)run.scratch + 63) / 64 * 64);
  for (int i = 0; i < run.panels * act.blocks; i++) {
    const uint8_t* w = run.data + (size_t)i * kQ8BlockBytes;
    uint8_t* out = tiles + (size_t)i * 2 * kTile;
    expand_tile(w, 0, kExpandAhead, out);
    expand_tile(w, 1, kExpandAhead, out + kTile);
  }
  publish();
  const int count = act.tiles(), steps = (count + 1) / 2 * run.panels;
  const size_t next_lines = run.next_bytes / 64, per_step = (next_lines + (size_t)steps - 1) / (size_t)steps;
  size_t fetched = 0;
  for (int t = 0; t < count; t += 2)
    for (int p = 0; p < run.panels; p++) {
      const uint8_t *a = act.data + (size_t)t * row_tile, *b = tiles + (size_t)p * expanded;
      const int rows = act.rows - t * 16, columns = run.columns - p * kPanel;
      const Output out{run.y + (size_t)t * 16 * run.y_stride + p * kPanel, run.y_stride, rows < 32 ? rows : 32,
                       columns < kPanel ? columns : kPanel};
      if (t + 1 < count) multiply_pair(a, a + row_tile, b, act.blocks, out);
      else multiply_single(a, b, act.blocks, out);
      for (size_t i = 0; i < per_step && fetched < next_lines; i++) _mm_prefetch((const char*)run.next + fetched++ * 64, _MM_HINT_T2);
    }
}

void bf16_panels(const PanelRun& run, const Bf16Activations& act) {
  configure(act.tile_rows());
  if (act.tiles() == 1) stream(run, act);
  else walk(run, act);
  _tile_release();
}

// Blocks [block0, block1) of a row: 32 bf16 each, [4 g, 4 g + 2, 4 g + 1, 4 g + 3], to the row's place in its tile.
void round_bf16(const float* x, int block0, int block1, uint8_t* row, size_t tile_bytes) {
  alignas(64) uint16_t order[32];
  for (int i = 0; i < 32; i++) order[i] = (uint16_t)((i & ~3) | (i & 1) << 1 | (i & 2) >> 1);
  const __m512i places = _mm512_load_si512(order);
  for (int b = block0; b < block1; b++) {
    __m512i v = _mm512_setzero_si512();
    if (x) v = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + b * kBlock + 16), _mm512_loadu_ps(x + b * kBlock));
    _mm512_store_si512(row + (size_t)b * tile_bytes, _mm512_permutexvar_epi16(places, v));
  }
}

}  // namespace

const Bf16Kernels kBf16Amx{round_bf16, bf16_panels};

}  // namespace triptych
