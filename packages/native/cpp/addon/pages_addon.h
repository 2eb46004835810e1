// How other areas of the addon reach the memory behind a JavaScript arena handle.
#pragma once
#include <napi.h>

#include <memory>

#include "pages/arena.h"

namespace triptych {

// The arena of an open handle, or nullptr for anything else (including a closed one). Whoever uses the memory off
// the JavaScript thread holds the shared pointer meanwhile, so that closing the handle cannot unmap it.
std::shared_ptr<Arena> share_arena(Napi::Value value);

}  // namespace triptych
