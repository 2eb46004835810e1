#include "addon/areas.h"

namespace triptych {

void register_pages(Napi::Env, Napi::Object) {}

}  // namespace triptych
