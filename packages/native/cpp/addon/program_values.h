// Programs and steps as JavaScript describes them (typed in src/program.ts).
#pragma once
#include <napi.h>

#include <string>

#include "program/program.h"

namespace triptych {

// Both put the first thing that is wrong into `error`; the result must not be used then.
ProgramSpec parse_spec(const Napi::Object& object, std::string& error);
Step parse_step(const Napi::Object& batch, std::string& error);

}  // namespace triptych
