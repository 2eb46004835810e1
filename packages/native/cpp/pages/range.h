// A regular set of byte runs inside an arena: `count` runs of `length` bytes, the i-th at `offset + i * stride`.
// One range says "these page groups, in each of a slot's 2N tensors", so a step needs one range per slot.
#pragma once
#include <cstdint>

namespace triptych {

struct Range {
  uint64_t offset = 0;
  uint64_t length = 0;
  uint64_t stride = 0;
  uint64_t count = 0;

  uint64_t run(uint64_t i) const { return offset + i * stride; }

  // Whether there is at least one run, all lie in [0, size) and none overlap. No sum or product here can overflow.
  bool inside(uint64_t size) const {
    if (count == 0 || length == 0 || length > size || offset > size - length) return false;
    if (count == 1) return true;
    return stride >= length && stride <= (size - length - offset) / (count - 1);
  }

  bool aligned(uint64_t page) const { return (offset | length | (count > 1 ? stride : 0)) % page == 0; }
};

}  // namespace triptych
