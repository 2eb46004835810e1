// Reading JavaScript objects without exceptions: each reader takes a default or reports through `error`.
#pragma once
#include <napi.h>

#include <cmath>
#include <initializer_list>
#include <string>
#include <vector>

#include "core/isa.h"

namespace triptych {

// Throws a TypeError. An exception that is pending already (a getter's, say) stays: throwing over it ends the process.
inline Napi::Value throw_type(Napi::Env env, const std::string& message) {
  if (!env.IsExceptionPending()) Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

// Collects the first thing that is wrong with an argument object.
class Fields {
 public:
  Fields(const Napi::Object& object, std::string& error) : object_(object), error_(error) {}

  double number(const char* name) {
    const Napi::Value v = object_.Get(name);
    if (v.IsNumber()) return v.As<Napi::Number>().DoubleValue();
    return miss(name, "a number"), 0;
  }
  // A whole number that fits an int.
  int integer(const char* name) {
    const double d = number(name);
    if (!(std::fabs(d) <= 2147483647.0) || d != std::floor(d)) return miss(name, "a 32-bit whole number"), 0;
    return (int)d;
  }
  int integer_or(const char* name, int fallback) { return has(name) ? integer(name) : fallback; }
  // A whole number from 0 to 2^53.
  uint64_t size(const char* name) {
    const double d = number(name);
    if (!(d >= 0 && d <= 9007199254740992.0) || d != std::floor(d)) return miss(name, "a whole number from 0 to 2^53"), 0;
    return (uint64_t)d;
  }
  bool boolean(const char* name) {
    const Napi::Value v = object_.Get(name);
    if (v.IsBoolean()) return v.As<Napi::Boolean>().Value();
    return miss(name, "true or false"), false;
  }
  std::string text(const char* name) {
    const Napi::Value v = object_.Get(name);
    if (v.IsString()) return v.As<Napi::String>().Utf8Value();
    return miss(name, "a string"), std::string();
  }
  // Which of the given words the field is; 0 when it is none.
  int choice(const char* name, std::initializer_list<const char*> words) {
    const std::string word = text(name);
    std::string all;
    int index = 0;
    for (const char* candidate : words) {
      if (word == candidate) return index;
      all += (index++ ? "' or '" : "'") + std::string(candidate);
    }
    return miss(name, (all + "'").c_str()), 0;
  }
  // An instruction set that this processor has.
  Isa isa(const char* name) {
    const std::string word = text(name);
    std::string all;
    for (const Isa candidate : kAllIsas) {
      if (!has_isa(candidate)) continue;
      if (word == isa_name(candidate)) return candidate;
      all += (all.empty() ? "'" : "' or '") + std::string(isa_name(candidate));
    }
    return miss(name, (all + "', which this processor has").c_str()), Isa::Portable;
  }
  // Objects of an array field.
  std::vector<Napi::Object> objects(const char* name) {
    std::vector<Napi::Object> all;
    const Napi::Value v = object_.Get(name);
    if (!v.IsArray()) return miss(name, "an array"), all;
    const Napi::Array array = v.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); i++) {
      const Napi::Value item = array.Get(i);
      if (!item.IsObject()) return miss(name, "an array of objects"), all;
      all.push_back(item.As<Napi::Object>());
    }
    return all;
  }
  // A typed array field of exactly this element type, copied.
  template <class T> std::vector<T> numbers(const char* name, napi_typedarray_type type) {
    const Napi::Value v = object_.Get(name);
    if (!v.IsTypedArray() || v.As<Napi::TypedArray>().TypedArrayType() != type) return miss(name, "a typed array of the documented type"), std::vector<T>();
    const auto array = v.As<Napi::TypedArrayOf<T>>();
    return std::vector<T>(array.Data(), array.Data() + array.ElementLength());
  }
  bool has(const char* name) {
    const Napi::Value v = object_.Get(name);
    return !v.IsUndefined() && !v.IsNull();
  }

 private:
  void miss(const char* name, const char* what) {
    if (error_.empty()) error_ = std::string(name) + " must be " + what;
  }
  const Napi::Object& object_;
  std::string& error_;
};

}  // namespace triptych
