// The levels that a test goes through.
#pragma once
#include <vector>

#include "core/isa.h"

namespace triptych::test {

inline std::vector<Isa> available_isas() {
  std::vector<Isa> all;
  for (const Isa isa : kAllIsas)
    if (has_isa(isa)) all.push_back(isa);
  return all;
}

}  // namespace triptych::test
