// What an instruction set's file provides to linear.cpp: one table per set.
#pragma once
#include "linear/layout.h"

namespace triptych {

// A run of panels of one matrix, for all rows of the activation.
struct PanelRun {
  WeightType type;
  const uint8_t* data;     // first byte of panel0
  int panels;
  int columns;             // columns from panel0's first to the last one that exists (<= 32 * panels)
  float* y;                // row 0, first column of panel0
  size_t y_stride;
  const uint8_t* next;     // what this thread reads after this run, or nullptr
  size_t next_bytes;
  int prefetch;            // distance in bytes, for runs that stream weights once
  bool pairs;              // LinearTuning, these two
  bool tall_tiles;
  uint8_t* scratch;        // this thread's own, run_scratch_bytes()
};

struct LinearKernels {
  // Quantises blocks [block0, block1) of one row x[k] into row r of its group (`group` points at the group's first
  // block). A null x writes a row of zeros.
  void (*quantize)(const float* x, int block0, int block1, uint8_t* group, int group_rows, int r);
  void (*int8)(const PanelRun& run, const Int8Activations& act);
  void (*floats)(const PanelRun& run, const FloatActivations& act);
  size_t activation_bytes = kInt8ActivationBytes;  // of one row and block, as quantize lays them out
  int short_group = kInt8Group;                    // rows of a group, at most, where there are several and tiles are not tall
  // BF16 weights with rounded activations; null: they take `floats`. Rounds pairs [pair0, pair1) of one row x[k] into row r
  // of its group (`group` points at the group's first pair). A null x writes a row of zeros.
  void (*round_bf16)(const float* x, int k, int pair0, int pair1, uint32_t* group, int group_rows, int r) = nullptr;
  void (*bf16)(const PanelRun& run, const Bf16Activations& act) = nullptr;
};

// Panels per run when there are many rows: in pairs, as kernels take them, and as many as stay in a core's L2 (expanded,
// beside the activations that pass by) up to four.
static inline int panels_per_run(int k) {
  const size_t panel = (size_t)k * kPanel, budget = 900u << 10;
  return budget / (panel + panel / 8) >= 4 ? 4 : 2;
}
// Room for the expanded form of one run: int8 blocks per panel, or one float panel.
static inline size_t run_scratch_bytes(int k) {
  const size_t blocks = (size_t)(k + kBlock - 1) / kBlock;
  const size_t int8 = (size_t)panels_per_run(k) * blocks * kExpandedBlockBytes, floats = (size_t)k * kPanel * 4;
  return ((int8 > floats ? int8 : floats) + 4096 + 63) / 64 * 64;
}

const LinearKernels& linear_kernels(Isa isa);
// Rows of a group of int8 activations. Up to kInt8Group rows are one group, so that weights stream past once.
static inline int int8_group(const LinearKernels& kernels, bool tall_tiles, int rows) {
  return group_rows(rows, rows <= kInt8Group || tall_tiles ? kInt8Group : kernels.short_group);
}
static inline bool takes_bf16(const LinearKernels& kernels, WeightType t) { return t == WeightType::BF16 && kernels.bf16; }
extern const LinearKernels kLinearPortable;
#if defined(TRIPTYCH_X86)
extern const LinearKernels kLinearAvx2;
extern const LinearKernels kLinearAvxVnni;
extern const LinearKernels kLinearAvx512;
extern const LinearKernels kLinearAvx512Bf16;
extern const LinearKernels kLinearAmx;
#endif

void quantize_avx2(const float* x, int block0, int block1, uint8_t* group, int group_rows, int r);
void quantize_avxvnni(const float* x, int block0, int block1, uint8_t* group, int group_rows, int r);
// Shared by the Avx512, Avx512Bf16 and Amx tables (all may assume AVX-512 VNNI).
void int8_panels_avx512(const PanelRun& run, const Int8Activations& act);
void int8_walk_avx512(const PanelRun& run, const Int8Activations& act);  // its part for any number of rows
void quantize_avx512(const float* x, int block0, int block1, uint8_t* group, int group_rows, int r);
void float_panels_avx512(const PanelRun& run, const FloatActivations& act);
void float_panels_avx2(const PanelRun& run, const FloatActivations& act);
void float_panels_portable(const PanelRun& run, const FloatActivations& act);

}  // namespace triptych
