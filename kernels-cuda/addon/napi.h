// Small helpers around Node-API: values in and out, and errors that carry CUDA's name.
#pragma once
#include <cuda_runtime.h>
#include <node_api.h>

#include <cstdint>
#include <string>

namespace addon {

/// Throws a JavaScript error and gives up the callback that runs: a wrong argument is a bug of the glue, not of a user.
inline void throw_error(napi_env env, const char* message) { napi_throw_error(env, "NNZ_CUDA", message); }

/// An Error with `cudaError` (the name) and `cudaCode`.
inline napi_value cuda_error(napi_env env, cudaError_t error, const char* what) {
  const std::string text = std::string(what) + ": " + cudaGetErrorName(error) + " (" + cudaGetErrorString(error) + ")";
  napi_value message, code, result, name, number;
  napi_create_string_utf8(env, text.c_str(), NAPI_AUTO_LENGTH, &message);
  napi_create_string_utf8(env, "NNZ_CUDA", NAPI_AUTO_LENGTH, &code);
  napi_create_error(env, code, message, &result);
  napi_create_string_utf8(env, cudaGetErrorName(error), NAPI_AUTO_LENGTH, &name);
  napi_create_int32(env, static_cast<int32_t>(error), &number);
  napi_set_named_property(env, result, "cudaError", name);
  napi_set_named_property(env, result, "cudaCode", number);
  return result;
}

/// Throws where a call failed. Returns whether it did.
inline bool failed(napi_env env, cudaError_t error, const char* what) {
  if (error == cudaSuccess) return false;
  napi_throw(env, cuda_error(env, error, what));
  return true;
}

/// The arguments of a callback.
struct Arguments {
  napi_env env;
  napi_value value[6];
  size_t count = 6;

  Arguments(napi_env env_, napi_callback_info info) : env(env_) {
    napi_get_cb_info(env, info, &count, value, nullptr, nullptr);
  }

  /// Numbers carry addresses, too: those of today's processors lie below 2^53.
  int64_t integer(size_t i) const {
    int64_t result = 0;
    if (i >= count || napi_get_value_int64(env, value[i], &result) != napi_ok) throw_error(env, "expected a number");
    return result;
  }
  template <class T>
  T pointer(size_t i) const {
    return reinterpret_cast<T>(static_cast<uintptr_t>(integer(i)));
  }

  struct Bytes {
    void* data = nullptr;
    size_t length = 0;
  };
  /// A Uint8Array.
  Bytes bytes(size_t i) const {
    Bytes result;
    napi_typedarray_type type;
    if (i >= count ||
        napi_get_typedarray_info(env, value[i], &type, &result.length, &result.data, nullptr, nullptr) != napi_ok ||
        type != napi_uint8_array)
      throw_error(env, "expected a Uint8Array");
    return result;
  }
};

inline napi_value number(napi_env env, double x) {
  napi_value result;
  napi_create_double(env, x, &result);
  return result;
}
inline napi_value text(napi_env env, const char* x) {
  napi_value result;
  napi_create_string_utf8(env, x, NAPI_AUTO_LENGTH, &result);
  return result;
}
template <class T>
napi_value address(napi_env env, T* pointer) {
  return number(env, static_cast<double>(reinterpret_cast<uintptr_t>(pointer)));
}
inline napi_value object(napi_env env) {
  napi_value result;
  napi_create_object(env, &result);
  return result;
}
inline void set(napi_env env, napi_value target, const char* name, napi_value value) {
  napi_set_named_property(env, target, name, value);
}
inline napi_value pending(napi_env env) {
  bool thrown = false;
  napi_is_exception_pending(env, &thrown);
  napi_value nothing;
  napi_get_undefined(env, &nothing);
  return nothing;
}

}  // namespace addon
