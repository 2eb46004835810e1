#include "core/f16.h"
#include "core/isa.h"

#include "check.h"

using namespace triptych;

TEST(f16_round_trip_is_exact_for_every_half) {
  for (uint32_t h = 0; h < 65536; h++) {
    const float f = f16_to_f32((uint16_t)h);
    if (std::isnan(f)) { CHECK(std::isnan(f16_to_f32(f32_to_f16(f)))); continue; }
    CHECK_EQ((uint32_t)f32_to_f16(f), h);
  }
}

TEST(f16_rounds_to_nearest_even) {
  for (uint32_t h = 0; h < 0x7bff; h++) {
    const float a = f16_to_f32((uint16_t)h), b = f16_to_f32((uint16_t)(h + 1)), mid = (a + b) / 2;
    CHECK_EQ((uint32_t)f32_to_f16(mid), (h & 1) ? h + 1 : h);
    CHECK_EQ((uint32_t)f32_to_f16(std::nextafter(mid, a)), h);
    CHECK_EQ((uint32_t)f32_to_f16(std::nextafter(mid, b)), h + 1);
  }
  CHECK_EQ((uint32_t)f32_to_f16(65520.0f), 0x7c00u);
  CHECK_EQ((uint32_t)f32_to_f16(65519.0f), 0x7bffu);
}

TEST(isa_levels_have_names) {
  CHECK(std::string(isa_name(Isa::Portable)) == "portable");
  CHECK(std::string(isa_name(detect_isa())).size() > 2);
}
