// The int8 kernels of processors with 256-bit registers, apart from their products. Included, in an anonymous namespace, by
// the file of an instruction set, after its `Set`:
//
//   struct Set {
//     static constexpr size_t kActivationBytes;              // of one row and block, see layout.h
//     template <Format F> static constexpr size_t kFrom;     // where a block's activations that F reads begin, times the
//     template <Format F> static constexpr size_t kRead;     // rows of the group, and how many bytes a row they are
//     template <int R, Format F> static constexpr int kWide; // so many times 8 columns at a time
//     // Adds C times 8 columns of a block for R rows to sums [rows][kPanel]. `w` and `scales` are those columns', `data` is the
//     // block's activations. step(g) comes between the products, g = 0..7 (Q8_0) or 0..3 (Q4_0).
//     template <int R, Format F, int C, class Step>
//     static void block(const uint8_t* w, const uint8_t* scales, const uint8_t* data, int group, int row, float* sums, Step step);
//     template <Format F> static __m256 in_order(__m256 v);  // 8 columns of `sums` in their own order
//   };
//
// Tiles of up to 6 rows keep a block's integer sums in registers (12 of 16); float sums are in L1. A chunk of a panel stays
// in L1 while the rows of a group walk it, tile by tile.

constexpr int kTileRows = 6;
constexpr int kChunkBlocks = 16;  // 17 KiB of weights and 16 of activations

inline int tiles_of(int rows) { return (rows + kTileRows - 1) / kTileRows; }

struct Tile {
  const uint8_t* weights;  // first block
  const uint8_t* data;     // activations of the group's first block
  int group, row;          // rows of the group, the tile's first
  int blocks;
  float* sums;             // [rows][kPanel], added to
  Fetch fetch;             // meanwhile, of each block
};

// kAll: fetches all lines of a block, as the only tile of a group does.
template <int R, Format F, bool kAll>
__attribute__((noinline)) void tile(const Tile& t) {
  const size_t stride = (size_t)t.group * Set::kActivationBytes;
  const int group = t.group, row = t.row;
  const uint8_t *w = t.weights, *data = t.data;
  Fetch fetch = t.fetch;
  float* sums = t.sums;
  constexpr int kWide = Set::template kWide<R, F>, kParts = 4 / kWide;
  constexpr int kSteps = F == kQ8 ? 8 : 4, kLines = (int)(bytes_of(F) / 64) - 1, kLinesAStep = kLines / (kParts * kSteps);
  for (int b = t.blocks; b > 0; b--, w += bytes_of(F), data += stride, fetch.from += fetch.step) {
    if constexpr (kAll) prefetch(fetch.from, 0);
#pragma GCC unroll 4
    for (int j = 0; j < kParts; j++) {
      if constexpr (!kAll) fetch_lines<kParts>(fetch.from, fetch.lines, j);
      const auto step = [&](int g) __attribute__((always_inline)) {
        const int i = j * kSteps + g;
        if constexpr (!kAll) return;
        else if constexpr (kLinesAStep == 0) { if (i % 2 == 0) prefetch(fetch.from, 1 + i / 2); }
        else for (int l = 0; l < kLinesAStep; l++) prefetch(fetch.from, 1 + i * kLinesAStep + l);
      };
      Set::template block<R, F, kWide>(w + kScaleBytes + j * kWide * 32, w + j * kWide * 16, data, group, row, sums + j * kWide * 8,
                                       step);
    }
  }
}

using TileFn = void (*)(const Tile&);
template <Format F, bool kAll>
constexpr TileFn kTiles[kTileRows + 1] = {nullptr,          tile<1, F, kAll>, tile<2, F, kAll>, tile<3, F, kAll>,
                                          tile<4, F, kAll>, tile<5, F, kAll>, tile<6, F, kAll>};

// Sums to `columns` columns of y.
template <Format F>
void store(const float* sums, int rows, float* y, size_t y_stride, int columns) {
  for (int r = 0; r < rows; r++, sums += kPanel, y += y_stride) {
    alignas(32) float line[kPanel];
    float* out = columns >= kPanel ? y : line;
#pragma GCC unroll 4
    for (int j = 0; j < kPanel; j += 8) {
      _mm256_storeu_ps(out + j, Set::template in_order<F>(_mm256_load_ps(sums + j)));
    }
    if (columns < kPanel) memcpy(y, line, (size_t)columns * 4);
  }
}

// One panel times all rows of a group. `y` is its first row and column, `columns` of the panel exist. fetch(tile, block,
// blocks): what that tile fetches.
template <Format F, bool kAll, class FetchOf>
void walk(const uint8_t* weights, const Int8Activations& act, int g, float* y, size_t y_stride, int columns, FetchOf fetch) {
  alignas(64) float sums[kInt8Group * kPanel];
  const uint8_t* group = act.data + (size_t)g * act.group_stride();
  const int rows = act.rows_of(g), tiles = tiles_of(rows);
  memset(sums, 0, (size_t)rows * kPanel * sizeof(float));
  for (int b = 0; b < act.blocks; b += kChunkBlocks)
    for (int i = 0; i < tiles; i++) {
      const int r0 = rows * i / tiles, count = rows * (i + 1) / tiles - r0, blocks = std::min(kChunkBlocks, act.blocks - b);
      kTiles<F, kAll>[count]({weights + (size_t)b * bytes_of(F), group + (size_t)b * act.block_stride(), act.group, r0, blocks,
                        sums + r0 * kPanel, fetch(i, b, blocks)});
    }
  store<F>(sums, rows, y, y_stride, columns);
}

// One group: weights come past once, from memory.
template <Format F>
void stream(const PanelRun& run, const Int8Activations& act) {
  const int tiles = tiles_of(act.rows), lines = ((int)(bytes_of(F) / 64) + tiles - 1) / tiles;
  // The first tile walks a chunk `tiles` times as fast as fetching goes on, and must not catch up with it.
  const size_t panel = (size_t)act.blocks * bytes_of(F), chunk = kChunkBlocks * bytes_of(F);
  Ahead ahead{run.data + (size_t)run.prefetch + chunk * (size_t)(tiles - 1) / (size_t)tiles, (size_t)run.panels * panel / 64};
  const auto share = [&](int, int, int blocks) { return ahead.take(blocks, lines); };
  using Share = decltype(share);
  for (int p = 0; p < run.panels; p++)
    (tiles == 1 ? walk<F, true, Share> : walk<F, false, Share>)(run.data + (size_t)p * panel, act, 0, run.y + p * kPanel, run.y_stride,
                                                                run.columns - p * kPanel, share);
}

// Many groups walk the run's panels. Meanwhile each fetches the next one's activations, as far as this format reads them (in
// the blocks that a tile is at, some lines each panel and tile); the last one fetches the next run's weights.
template <Format F>
void resident(const PanelRun& run, const Int8Activations& act) {
  const size_t panel = (size_t)act.blocks * bytes_of(F);
  const int groups = act.groups(), tiles = tiles_of(act.group), steps = tiles * run.panels;
  const size_t offset = (size_t)act.group * Set::template kFrom<F>;
  const int lines = act.group * (int)Set::template kRead<F> / 64;
  const int per_step = (lines + steps - 1) / steps;
  const size_t all_steps = (size_t)steps * (size_t)act.blocks, next_lines = run.next_bytes / 64;
  for (int g = 0; g < groups; g++) {
    const uint8_t* next = act.data + (size_t)(g + 1) * act.group_stride() + offset;
    Ahead ahead{run.next, next_lines};
    for (int p = 0; p < run.panels; p++)
      walk<F, false>(run.data + (size_t)p * panel, act, g, run.y + (size_t)(g * act.group) * run.y_stride + p * kPanel, run.y_stride,
              run.columns - p * kPanel, [&](int tile, int b, int blocks) -> Fetch {
                if (g + 1 == groups) return ahead.take(blocks, (int)std::min<size_t>(kMostAhead, (next_lines + all_steps - 1) / all_steps));
                const int done = (p * tiles + tile) * per_step;
                return {next + (size_t)b * act.block_stride() + done * 64, act.block_stride(), std::clamp(lines - done, 0, per_step)};
              });
  }
}

void int8_panels(const PanelRun& run, const Int8Activations& act) {
  const bool once = act.groups() == 1;
  if (run.type == WeightType::Q8_0) (once ? stream<kQ8> : resident<kQ8>)(run, act);
  else (once ? stream<kQ4> : resident<kQ4>)(run, act);
}
