#ifndef LOWRANK_CALLS_H_
#define LOWRANK_CALLS_H_

#include <node_api.h>
#include <stdint.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"
#include "tfjs_backend.h"

// Argument parsing and error handling for the functions that this library adds to the binding.
namespace tfnodejs {

class Status {
 public:
  ~Status() { TF_DeleteStatus(status_); }
  operator TF_Status*() { return status_; }
  void Check() {
    if (TF_GetCode(status_) != TF_OK) throw std::runtime_error(TF_Message(status_));
  }

 private:
  TF_Status* status_ = TF_NewStatus();
};

// A JavaScript value. Each reader throws if the value has another type.
class Value {
 public:
  Value(napi_env env, napi_value value) : env_(env), value_(value) {}

  double Number() const {
    double number;
    Require(napi_get_value_double(env_, value_, &number), "a number");
    return number;
  }
  int64_t Integer() const {
    int64_t integer;
    Require(napi_get_value_int64(env_, value_, &integer), "an integer");
    return integer;
  }
  bool Boolean() const {
    bool boolean;
    Require(napi_get_value_bool(env_, value_, &boolean), "a boolean");
    return boolean;
  }
  std::string String() const {
    size_t length;
    Require(napi_get_value_string_utf8(env_, value_, nullptr, 0, &length), "a string");
    std::string text(length, '\0');
    napi_get_value_string_utf8(env_, value_, &text[0], length + 1, &length);
    return text;
  }
  bool IsArray() const {
    bool is_array = false;
    napi_is_array(env_, value_, &is_array);
    return is_array;
  }
  bool IsBytes() const {
    bool is_typed_array = false;
    napi_is_typedarray(env_, value_, &is_typed_array);
    return is_typed_array;
  }
  std::vector<Value> Items() const {
    uint32_t length;
    Require(napi_get_array_length(env_, value_, &length), "an array");
    std::vector<Value> items;
    for (uint32_t i = 0; i < length; i++) {
      napi_value item;
      Require(napi_get_element(env_, value_, i, &item), "an array");
      items.emplace_back(env_, item);
    }
    return items;
  }
  std::vector<int64_t> Integers() const {
    std::vector<int64_t> integers;
    for (const Value& item : Items()) integers.push_back(item.Integer());
    return integers;
  }
  Value Get(const char* property) const {
    napi_value value;
    Require(napi_get_named_property(env_, value_, property, &value), "an object");
    return Value(env_, value);
  }
  std::string Bytes() const {
    napi_typedarray_type type;
    size_t length;
    void* data;
    Require(napi_get_typedarray_info(env_, value_, &type, &length, &data, nullptr, nullptr), "a Uint8Array");
    if (type != napi_uint8_array) throw std::runtime_error("expected a Uint8Array");
    return std::string(static_cast<const char*>(data), length);
  }
  // The pointer inside an external value that this binding made.
  template <class Held>
  Held& External(const char* kind) const {
    void* held;
    Require(napi_get_value_external(env_, value_, &held), kind);
    return *static_cast<Held*>(held);
  }

 private:
  static void Require(napi_status status, const char* kind) {
    if (status != napi_ok) throw std::runtime_error(std::string("expected ") + kind);
  }

  napi_env env_;
  napi_value value_;
};

// One call from JavaScript: the environment and the arguments.
struct Call {
  napi_env env;
  std::vector<Value> arguments;

  TFJSBackend* Backend() const {
    void* backend = nullptr;
    napi_get_instance_data(env, &backend);
    if (backend == nullptr) throw std::runtime_error("the TensorFlow backend is gone");
    return static_cast<TFJSBackend*>(backend);
  }
  TFE_Context* Context() const { return Backend()->context(); }
};

// Runs `body` with the call's `count` arguments; a C++ exception becomes a JavaScript error.
template <napi_value (*body)(const Call&), size_t count>
napi_value Guarded(napi_env env, napi_callback_info info) {
  try {
    napi_value values[count + 1];
    size_t given = count;
    if (napi_get_cb_info(env, info, &given, values, nullptr, nullptr) != napi_ok || given < count) {
      throw std::runtime_error("expected " + std::to_string(count) + " arguments");
    }
    Call call{env, {}};
    for (size_t i = 0; i < count; i++) call.arguments.emplace_back(env, values[i]);
    return body(call);
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
    return nullptr;
  }
}

inline napi_property_descriptor Method(const char* name, napi_callback callback) {
  return {name, nullptr, callback, nullptr, nullptr, nullptr, napi_default, nullptr};
}

}  // namespace tfnodejs

#endif  // LOWRANK_CALLS_H_
