#include "isa.h"

#if defined(TRIPTYCH_X86) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace triptych {
namespace {

#if defined(TRIPTYCH_X86)
// AMX tile registers are off until a process asks for them: arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA).
bool allow_amx_tiles() {
#if defined(__linux__)
  constexpr long kArchReqXcompPerm = 0x1023, kXtileData = 18;
  return syscall(SYS_arch_prctl, kArchReqXcompPerm, kXtileData) == 0;
#else
  return false;
#endif
}

// GCC 12's __builtin_cpu_supports does not know AMX: CPUID leaf 7, EDX bits 22 (bf16), 24 (tile) and 25 (int8); and 23
// for AVX512-FP16, which every processor with AMX has and the AMX kernels use.
bool has_amx() {
  unsigned a = 7, b = 0, c = 0, d = 0;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  constexpr unsigned kWanted = 15u << 22;
  return (d & kWanted) == kWanted;
}

// Nor does it know AVX-VNNI: CPUID leaf 7.1, EAX bit 4. Its registers are those of AVX2.
bool has_avx_vnni() {
  unsigned a = 7, b = 0, c = 1, d = 0;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return __builtin_cpu_supports("avx2") && (a >> 4 & 1);
}

// vpdpbf16ps is twice as fast as FMAs on AMD's processors that have it, and half as fast on the Intel ones that were
// measured: there it is not taken unasked.
bool is_amd() { return __builtin_cpu_is("amd"); }

Isa detect_once() {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vnni");
  if (avx512 && has_amx() && allow_amx_tiles()) return Isa::Amx;
  if (avx512) return is_amd() && __builtin_cpu_supports("avx512bf16") ? Isa::Avx512Bf16 : Isa::Avx512;
  if (avx2) return has_avx_vnni() ? Isa::AvxVnni : Isa::Avx2;
  return Isa::Portable;
}
#endif

}  // namespace

Isa detect_isa() {
#if defined(TRIPTYCH_X86)
  static const Isa isa = detect_once();
  return isa;
#else
  return Isa::Portable;
#endif
}

bool has_isa(Isa isa) {
#if defined(TRIPTYCH_X86)
  if (isa == Isa::AvxVnni) return has_avx_vnni();
  if (isa == Isa::Avx512Bf16) return detect_isa() >= Isa::Avx512 && __builtin_cpu_supports("avx512bf16");
#endif
  return isa <= detect_isa();
}

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::Amx: return "amx";
    case Isa::Avx512Bf16: return "avx512bf16";
    case Isa::Avx512: return "avx512";
    case Isa::AvxVnni: return "avxvnni";
    case Isa::Avx2: return "avx2";
    case Isa::Portable: break;
  }
  return "portable";
}

}  // namespace triptych
