// Prefetch tuning and the probes of the benchmark: no timing is judged, only that they do what they say.
#include "linear/probes.h"
#include "test/linear_reference.h"

using namespace triptych;
using namespace triptych::test;

TEST(linear_read_sweep_reads_every_line) {
  constexpr size_t kLines = 101;
  Aligned memory(kLines * 64);
  int counter = 0;
  for (const Isa isa : available_isas())
    for (size_t line = 0; line < kLines; line += 10) {
      memory.data[line * 64 + (line % 64)] = 1;
      uint64_t seen = 0;
      for (int i = 0; i < 3; i++) seen |= read_sweep(isa, memory.data, kLines * 64, Worker{i, 3, &counter});
      CHECK(seen != 0);
      memory.data[line * 64 + (line % 64)] = 0;
    }
}

TEST(linear_probes_exist_where_the_instructions_do) {
  const Isa best = detect_isa();
  CHECK((measure_peak_fma(best) > 0) == (best >= Isa::Avx2));
  CHECK((measure_peak_int16_avx2(best) > 0) == (best >= Isa::Avx2));
  CHECK((measure_peak_int8_avx2(best) > 0) == (best >= Isa::Avx2));
  CHECK((measure_peak_vnni(best) > 0) == (best >= Isa::AvxVnni));
  CHECK((measure_peak_bf16(Isa::Avx512Bf16) > 0) == has_isa(Isa::Avx512Bf16));
  CHECK((measure_peak_amx(best) > 0) == (best == Isa::Amx));
  CHECK(measure_peak_vnni(Isa::Portable) == 0 && measure_peak_fma(Isa::Portable) == 0);
}

TEST(linear_autotune_needs_enough_weights_and_keeps_results) {
  Pool pool(2);
  const Matrix small(WeightType::Q8_0, 96, 64, 1);
  const LinearTuning defaults = linear_default_tuning(detect_isa());
  const LinearTuning tuned = linear_autotune(detect_isa(), pool, &small.weights, 1);
  CHECK(std::memcmp(&defaults, &tuned, sizeof tuned) == 0);
  if (quick()) return;
  // One matrix listed many times counts as many: enough to make it measure.
  const Matrix m(WeightType::Q4_0, 1999, 2048, 2);
  std::vector<PackedWeights> many(32, m.weights);
  const LinearTuning measured = linear_autotune(detect_isa(), pool, many.data(), (int)many.size());
  CHECK(!measured.tall_tiles || (detect_isa() >= Isa::Avx512 && detect_isa() < Isa::Amx));
  for (int r = 1; r <= 16; r++) CHECK(measured.prefetch_int4[r] >= 0 && measured.prefetch_int4[r] <= 65536);
  CHECK(std::memcmp(measured.prefetch_int8, defaults.prefetch_int8, sizeof defaults.prefetch_int8) == 0);
}
