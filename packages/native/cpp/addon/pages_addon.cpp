// JavaScript's view of an arena (typed in src/pages.ts). Thin on purpose: no policy, no counting, errors as numbers.
#include "addon/pages_addon.h"

#include <errno.h>
#include <string.h>

#include <vector>

#include "addon/areas.h"
#include "pages/background.h"

namespace triptych {
namespace {

constexpr napi_type_tag kArenaTag = {0x7269707479636841ull, 0x72656e61506167ull};
constexpr size_t kDoublesPerRange = 4;

// A count or byte offset from JavaScript; anything that is not a whole number of at least 0 becomes UINT64_MAX,
// which no later check lets pass.
uint64_t whole(double value) {
  constexpr double kLimit = 9007199254740992.0;
  return value >= 0 && value <= kLimit && value == (double)(uint64_t)value ? (uint64_t)value : UINT64_MAX;
}

uint64_t whole(const Napi::Value& value) { return value.IsNumber() ? whole(value.As<Napi::Number>().DoubleValue()) : UINT64_MAX; }

// Reads `count` ranges from (Float64Array, count); false when the arguments are not that.
bool read_ranges(const Napi::CallbackInfo& info, std::vector<Range>& ranges) {
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) return false;
  const auto numbers = info[0].As<Napi::Float64Array>();
  const uint64_t count = whole(info[1]);
  if (count > numbers.ElementLength() / kDoublesPerRange) return false;
  const double* at = numbers.Data();
  ranges.reserve(count);
  for (uint64_t i = 0; i < count; i++, at += kDoublesPerRange) {
    ranges.push_back({whole(at[0]), whole(at[1]), whole(at[2]), whole(at[3])});
  }
  return true;
}

class ArenaHandle : public Napi::ObjectWrap<ArenaHandle> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Arena", {
      InstanceMethod<&ArenaHandle::open>("open"),
      InstanceMethod<&ArenaHandle::close>("close"),
      InstanceMethod<&ArenaHandle::commit>("commit"),
      InstanceMethod<&ArenaHandle::release>("release"),
      InstanceMethod<&ArenaHandle::expose>("expose"),
      InstanceMethod<&ArenaHandle::submit>("submit"),
      InstanceMethod<&ArenaHandle::completed>("completed"),
      InstanceMethod<&ArenaHandle::wait>("wait"),
      InstanceMethod<&ArenaHandle::wait_async>("waitAsync"),
      InstanceMethod<&ArenaHandle::take_error>("takeError"),
      InstanceMethod<&ArenaHandle::resident>("resident"),
      InstanceMethod<&ArenaHandle::read>("read"),
      InstanceMethod<&ArenaHandle::write>("write"),
    });
  }

  explicit ArenaHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    info.This().As<Napi::Object>().TypeTag(&kArenaTag);
  }

  std::shared_ptr<Arena> arena;

 private:
  static Napi::Value number(const Napi::CallbackInfo& info, double value) { return Napi::Number::New(info.Env(), value); }

  // open(sizeBytes, anonymous, guard) -> errno
  Napi::Value open(const Napi::CallbackInfo& info) {
    if (arena) return number(info, EBUSY);
    ArenaOptions options;
    options.size = whole(info[0]);
    options.backing = info[1].ToBoolean() ? Backing::Anonymous : Backing::MemoryFile;
    options.guard = info[2].ToBoolean();
    return number(info, Arena::open(options, arena));
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    arena.reset();
    return info.Env().Undefined();
  }

  template <class F> Napi::Value with_ranges(const Napi::CallbackInfo& info, F&& f) {
    std::vector<Range> ranges;
    if (!arena) return number(info, EBADF);
    if (!read_ranges(info, ranges)) return number(info, EINVAL);
    return number(info, f(ranges));
  }

  Napi::Value commit(const Napi::CallbackInfo& info) {
    return with_ranges(info, [&](auto& ranges) { return arena->commit(ranges, Touch::Lazy); });
  }
  Napi::Value release(const Napi::CallbackInfo& info) {
    return with_ranges(info, [&](auto& ranges) { return arena->release(ranges); });
  }
  Napi::Value expose(const Napi::CallbackInfo& info) {
    return with_ranges(info, [&](auto& ranges) { return arena->expose(ranges); });
  }

  static Work work_of(const Napi::Value& value) { return value.ToBoolean() ? Work::Release : Work::Commit; }

  // submit(ranges, count, isRelease) -> ticket, or 0 when the arguments are wrong
  Napi::Value submit(const Napi::CallbackInfo& info) {
    std::vector<Range> ranges;
    if (!arena || !read_ranges(info, ranges)) return number(info, 0);
    return number(info, (double)arena->background().submit(work_of(info[2]), std::move(ranges)));
  }

  // completed(isRelease) -> last finished ticket
  Napi::Value completed(const Napi::CallbackInfo& info) {
    return number(info, arena ? (double)arena->background().completed(work_of(info[0])) : 0);
  }

  // wait(isRelease, ticket)
  Napi::Value wait(const Napi::CallbackInfo& info) {
    if (arena) arena->background().wait(work_of(info[0]), whole(info[1]));
    return info.Env().Undefined();
  }

  // waitAsync(isRelease, ticket) -> Promise<void>
  Napi::Value wait_async(const Napi::CallbackInfo& info) {
    class Waiter : public Napi::AsyncWorker {
     public:
      Waiter(Napi::Env env, std::shared_ptr<Arena> arena, Work work, uint64_t ticket)
          : AsyncWorker(env), deferred(Napi::Promise::Deferred::New(env)), arena_(std::move(arena)), work_(work), ticket_(ticket) {}
      void Execute() override {
        if (arena_) arena_->background().wait(work_, ticket_);
      }
      void OnOK() override { deferred.Resolve(Env().Undefined()); }
      Napi::Promise::Deferred deferred;

     private:
      std::shared_ptr<Arena> arena_;
      Work work_;
      uint64_t ticket_;
    };
    auto* waiter = new Waiter(info.Env(), arena, work_of(info[0]), whole(info[1]));
    const Napi::Promise promise = waiter->deferred.Promise();
    waiter->Queue();  // it deletes itself
    return promise;
  }

  // takeError(isRelease, ticket) -> errno
  Napi::Value take_error(const Napi::CallbackInfo& info) {
    return number(info, arena ? arena->background().take_error(work_of(info[0]), whole(info[1])) : EBADF);
  }

  // resident() -> bytes, or -errno
  Napi::Value resident(const Napi::CallbackInfo& info) {
    uint64_t bytes = 0;
    const int error = arena ? arena->resident(bytes) : EBADF;
    return number(info, error ? -(double)error : (double)bytes);
  }

  // read(offset, Uint8Array) and write(offset, Uint8Array) -> errno
  Napi::Value read(const Napi::CallbackInfo& info) {
    return copy(info, [](uint8_t* memory, uint8_t* bytes, size_t n) { memcpy(bytes, memory, n); });
  }
  Napi::Value write(const Napi::CallbackInfo& info) {
    return copy(info, [](uint8_t* memory, uint8_t* bytes, size_t n) { memcpy(memory, bytes, n); });
  }

  template <class F> Napi::Value copy(const Napi::CallbackInfo& info, F&& f) {
    if (!arena) return number(info, EBADF);
    if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) return number(info, EINVAL);
    auto bytes = info[1].As<Napi::Uint8Array>();
    const uint64_t offset = whole(info[0]), n = bytes.ElementLength();
    if (n > arena->size() || offset > arena->size() - n) return number(info, EINVAL);
    f(arena->base() + offset, bytes.Data(), n);
    return number(info, 0);
  }
};

}  // namespace

std::shared_ptr<Arena> share_arena(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kArenaTag)) return nullptr;
  ArenaHandle* handle = ArenaHandle::Unwrap(value.As<Napi::Object>());
  return handle ? handle->arena : nullptr;
}

void register_pages(Napi::Env env, Napi::Object exports) {
  exports.Set("Arena", ArenaHandle::define(env));
  exports.Set("pageBytes", Napi::Number::New(env, (double)Arena::page_bytes()));
}

}  // namespace triptych
