// The instruction sets kernels exist for, and which of them this processor has.
#pragma once
#include <stdint.h>

namespace triptych {

// Ordered: a processor of a level has those below it. Avx512Bf16 runs the Avx512 kernels and adds vdpbf16ps for BF16
// weights; Amx runs the Avx512 kernels and adds AMX tiles.
enum class Isa : uint8_t { Portable = 0, Avx2 = 1, Avx512 = 2, Avx512Bf16 = 3, Amx = 4 };
constexpr Isa kAllIsas[] = {Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Avx512Bf16, Isa::Amx};

// The best level this processor and operating system allow (asks Linux for AMX tile permission once).
Isa detect_isa();

// "portable", "avx2", "avx512", "avx512bf16", "amx".
const char* isa_name(Isa isa);

}  // namespace triptych
