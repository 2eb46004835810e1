// core/isa.cpp of emulated builds: the highest level that SIMDe carries.
#include "core/isa.h"

namespace triptych {

Isa detect_isa() { return Isa::Avx512Bf16; }

const char* isa_name(Isa isa) { return isa == Isa::Avx512Bf16 ? "avx512bf16" : isa == Isa::Avx512 ? "avx512" : isa == Isa::Avx2 ? "avx2" : "portable"; }

}  // namespace triptych
