// One registration function per area of the addon (defined in addon/<area>_addon.cpp).
#pragma once
#include <napi.h>

namespace triptych {

void register_pages(Napi::Env env, Napi::Object exports);
void register_weights(Napi::Env env, Napi::Object exports);
void register_program(Napi::Env env, Napi::Object exports);
void register_network(Napi::Env env, Napi::Object exports);
void register_bench(Napi::Env env, Napi::Object exports);

}  // namespace triptych
