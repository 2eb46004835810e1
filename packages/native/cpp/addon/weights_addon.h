// How other areas of the addon reach the weights behind a JavaScript handle.
#pragma once
#include <napi.h>

#include <memory>

#include "program/weights.h"

namespace triptych {

// The weights of a handle, or nullptr for anything else (including a released one).
std::shared_ptr<Weights> share_weights(Napi::Value value);

}  // namespace triptych
