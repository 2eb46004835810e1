// core/isa.cpp of emulated builds: the highest level that SIMDe carries.
#include "core/isa.h"

namespace triptych {

Isa detect_isa() { return Isa::Avx512Bf16; }
bool has_isa(Isa isa) { return isa <= Isa::Avx512Bf16; }

const char* isa_name(Isa isa) {
  constexpr const char* kNames[] = {"portable", "avx2", "avxvnni", "avx512", "avx512bf16"};
  return kNames[(int)isa];
}

}  // namespace triptych
