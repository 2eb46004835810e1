// What the machine can do at most, measured: the limits that the benchmark holds the linear kernels against.
// Each call runs on the calling thread for a few milliseconds and returns the best of many short bursts.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "core/isa.h"
#include "core/worker.h"

namespace triptych {

// Rates in operations per second of one thread (a multiply and an add are two operations); 0 where the processor or
// the given level has no such instruction.
double measure_peak_vnni(Isa isa);        // vpdpbusd at the level's width (AvxVnni and up)
double measure_peak_bf16(Isa isa);        // vdpbf16ps on 512-bit registers (Avx512Bf16)
double measure_peak_fma(Isa isa);         // f32 FMA at the level's width (Avx2 and up)
double measure_peak_int16_avx2(Isa isa);  // vpmaddwd and the addition: how 8-bit weights go without VNNI (Avx2 and up)
double measure_peak_int8_avx2(Isa isa);   // vpmaddubsw and the addition in 16 bits: how 4-bit weights go (Avx2 and up)
double measure_peak_amx(Isa isa);         // tdpbssd on full 16 x 16 x 64 tiles (Amx)

// Reads this worker's contiguous share of [data, data + bytes) with the best plain loop known for the level.
// Returns a value that depends on all bytes, so that nothing can be optimised away.
uint64_t read_sweep(Isa isa, const uint8_t* data, size_t bytes, const Worker& worker);

}  // namespace triptych
