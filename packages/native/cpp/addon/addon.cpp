// The addon's entry point: each area registers its own functions.
#include <napi.h>

#include "attention/key_block.h"
#include "core/isa.h"
#include "addon/areas.h"

namespace triptych {
namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  // Raised with every change that older TypeScript, or newer, would not understand: see addon.ts.
  constexpr int kRevision = 3;
  exports.Set("revision", Napi::Number::New(env, kRevision));
  exports.Set("isa", Napi::String::New(env, isa_name(detect_isa())));
  const Napi::Array isas = Napi::Array::New(env);
  for (const Isa isa : kAllIsas)
    if (has_isa(isa)) isas.Set(isas.Length(), Napi::String::New(env, isa_name(isa)));
  exports.Set("isas", isas);
  exports.Set("keyBlockTokens", Napi::Number::New(env, kKeyBlock));
  register_pages(env, exports);
  register_weights(env, exports);
  register_program(env, exports);
  register_network(env, exports);
  register_bench(env, exports);
  return exports;
}

}  // namespace
}  // namespace triptych

static Napi::Object InitAll(Napi::Env env, Napi::Object exports) { return triptych::init(env, exports); }
NODE_API_MODULE(triptych, InitAll)
