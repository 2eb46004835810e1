// The instruction sets kernels exist for, and which of them this processor has.
#pragma once
#include <stdint.h>

namespace triptych {

// From slow to fast. A processor of a level has those below it, but for AvxVnni and Avx512Bf16, which has_isa tells.
// AvxVnni runs the Avx2 kernels and adds vpdpbusd for int8 layers; Avx512Bf16 runs the Avx512 kernels and adds vdpbf16ps for
// BF16 weights; Amx runs the Avx512 kernels and adds AMX tiles.
enum class Isa : uint8_t { Portable = 0, Avx2 = 1, AvxVnni = 2, Avx512 = 3, Avx512Bf16 = 4, Amx = 5 };
constexpr Isa kAllIsas[] = {Isa::Portable, Isa::Avx2, Isa::AvxVnni, Isa::Avx512, Isa::Avx512Bf16, Isa::Amx};

// The level to run on where none is asked for: the best that this processor and operating system allow (asks Linux for AMX tile permission once).
Isa detect_isa();
// Whether the processor and operating system allow this level.
bool has_isa(Isa isa);

// "portable", "avx2", "avxvnni", "avx512", "avx512bf16", "amx".
const char* isa_name(Isa isa);

}  // namespace triptych
