// Byte layouts that packing and every kernel agree on.
//
// Weights. N is cut into panels of 32 columns (missing ones are zero); panels lie back to back, each one sequential
// stream of whole cache lines with exactly GGUF's bytes per weight (but for BF16 with an odd k).
//   Q8_0 block (32 columns x 32 k, 1088 B): [32 x f16 scale] then for g = 0..7, h = 0..1: [16 columns x 4 k] int8.
//        One (g, h) line is an operand of vpdpbusd; eight lines with stride 128 are a B tile of AMX.
//   Q4_0 block (576 B): [32 x f16 scale] then for g = 0..3, h = 0..1: [16 columns x 4 bytes]; low nibble = k-group g,
//        high nibble = k-group g + 4 (GGUF's own pairing), value + 8.
//   F32 and F16 panel: [k][32 columns]. BF16 panel: [k / 2][32 columns][2 k], an operand of vdpbf16ps in each line; an odd k
//        is filled up with a zero.
//
// Activations. Rows are cut into groups of equal height (the last is padded with rows of zeros).
//   int8, per group and 32-block, `group` = rows of the group:
//        [group x 32 int8 q][group x f32 scale][group x f32 shift][group x i32 start128][group x i32 start8]
//        and for AVX2 alone, what Q8_0 takes there: [group x f32 scale][group x f32 shift][group x 32 int16 q].
//        x ~ scale * q. The dot products start from start = kMagicBits - zero_point * sum(q), where zero_point is what
//        was added to the weights to make them unsigned. The finished integer is kMagicBits + dot, whose bits read as
//        a float are exactly kMagic + dot, so one FMA gives (kMagic + dot) * scale + shift = scale * dot with one
//        rounding: shift = -kMagic * scale is exact because the scale keeps 22 significant bits.
//   float, per group: [k][group] f32.
//   bf16, per group: [k / 2][group][2 k] bfloat16, rounded to nearest even (BF16 weights where vdpbf16ps takes them).
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "linear/linear.h"

namespace triptych {

constexpr int kBlock = 32;   // k per quantised block
constexpr int kPanel = 32;   // columns per panel
constexpr size_t kScaleBytes = kPanel * 2;
constexpr size_t kQ8BlockBytes = kScaleBytes + kPanel * kBlock;
constexpr size_t kQ4BlockBytes = kScaleBytes + kPanel * kBlock / 2;
// Either, as AVX-512 expands it for many rows: [32 x f32 scale], then bytes as in Q8_0.
constexpr size_t kExpandedScaleBytes = kPanel * 4;
constexpr size_t kExpandedBlockBytes = kExpandedScaleBytes + kPanel * kBlock;

constexpr float kMagic = 12582912.0f;        // 1.5 * 2^23: floats near it have a spacing of 1
constexpr int32_t kMagicBits = 0x4B400000;
constexpr float kMaxActivation = 1e30f;      // beyond: NaN
constexpr float kMinActivation = 0x1p-100f;  // a block whose magnitudes are all below: zero

static inline bool is_int8(WeightType t) { return t == WeightType::Q8_0 || t == WeightType::Q4_0; }
static inline size_t block_bytes(WeightType t) { return t == WeightType::Q8_0 ? kQ8BlockBytes : kQ4BlockBytes; }
static inline size_t element_bytes(WeightType t) { return t == WeightType::F32 ? 4 : 2; }

constexpr size_t kPairBytes = kPanel * 4;  // two k of a BF16 panel

static inline size_t panel_bytes(WeightType t, int k) {
  if (is_int8(t)) return (size_t)(k / kBlock) * block_bytes(t);
  return t == WeightType::BF16 ? (size_t)((k + 1) / 2) * kPairBytes : (size_t)k * kPanel * element_bytes(t);
}

// How many k lie together in a float panel, and their bytes.
template <WeightType T> constexpr int kStep = T == WeightType::BF16 ? 2 : 1;
template <WeightType T> constexpr size_t kStepBytes = kPanel * (T == WeightType::F16 ? 2 : 4);

// Where element (k i, column c) lies in a float panel.
static inline size_t float_offset(WeightType t, int i, int c) {
  return t == WeightType::BF16 ? (size_t)(i / 2) * kPairBytes + (size_t)(c * 4 + i % 2 * 2)
                               : ((size_t)i * kPanel + (size_t)c) * element_bytes(t);
}

// Rows per group: as equal as possible, at most `most`; above four a multiple of four, as AMX wants.
static inline int group_rows(int rows, int most) {
  if (rows <= 4) return rows;
  const int groups = (rows + most - 1) / most, even = (rows + groups - 1) / groups;
  return (even + 3) / 4 * 4;
}
constexpr int kInt8Group = 16;      // at most
constexpr int kInt8ShortGroup = 12;  // where tiles are short: int8_walk_avx512.cpp
constexpr size_t kInt8ActivationBytes = kBlock + 4 * 4;              // of one row and block
constexpr size_t kMostInt8ActivationBytes = kInt8ActivationBytes + 8 + kBlock * 2;  // of any instruction set
constexpr int kFloatGroup = 12;

// Prepared int8 activations. All offsets are within one (group, block) of block_stride() bytes.
struct Int8Activations {
  const uint8_t* data;
  int rows;
  int group;   // rows per group
  int blocks;  // k / 32
  size_t row_bytes = kInt8ActivationBytes;  // LinearKernels::activation_bytes

  size_t block_stride() const { return (size_t)group * row_bytes; }
  size_t group_stride() const { return block_stride() * (size_t)blocks; }
  size_t scale_offset() const { return (size_t)group * 32; }
  size_t shift_offset() const { return (size_t)group * 36; }
  size_t start_offset(int zero_point) const { return (size_t)group * (zero_point == 128 ? 40 : 44); }
  int groups() const { return (rows + group - 1) / group; }
  int rows_of(int g) const { return rows - g * group < group ? rows - g * group : group; }
};

// Prepared activations of the float kernels: `kPer` k an element.
template <class Element, int kPer>
struct ElementActivations {
  const Element* data;
  int rows;
  int group;
  int k;

  int elements() const { return (k + kPer - 1) / kPer; }  // of one row
  size_t group_stride() const { return (size_t)group * (size_t)elements(); }
  int groups() const { return (rows + group - 1) / group; }
  int rows_of(int g) const { return rows - g * group < group ? rows - g * group : group; }
};
using FloatActivations = ElementActivations<float, 1>;
using Bf16Activations = ElementActivations<uint32_t, 2>;

}  // namespace triptych
