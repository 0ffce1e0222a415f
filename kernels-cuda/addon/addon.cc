// The CUDA runtime and the launchers, as Node.js sees them. Everything that may wait is a promise.
#include "napi.h"

#include "../src/common/registry.h"
#include "waiting.h"

namespace addon {
namespace {

/// Raised whenever this interface, or the arguments of a launcher, change.
constexpr int ABI = 1;

napi_value count_devices(napi_env env, napi_callback_info) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (failed(env, error, "cudaGetDeviceCount")) return nullptr;
  return number(env, count);
}

/// openDevice(index): chooses it for this thread, keeps freed memory pooled, and says what it is.
napi_value open_device(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const int device = static_cast<int>(arguments.integer(0));
  if (failed(env, cudaSetDevice(device), "cudaSetDevice")) return nullptr;
  cudaDeviceProp properties;
  if (failed(env, cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties")) return nullptr;
  cudaMemPool_t pool;
  uint64_t keep_everything = UINT64_MAX;
  if (failed(env, cudaDeviceGetDefaultMemPool(&pool, device), "cudaDeviceGetDefaultMemPool")) return nullptr;
  if (failed(env, cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep_everything),
             "cudaMemPoolSetAttribute"))
    return nullptr;
  napi_value result = object(env);
  set(env, result, "name", text(env, properties.name));
  set(env, result, "memory", number(env, static_cast<double>(properties.totalGlobalMem)));
  const struct {
    const char* name;
    cudaDeviceAttr attribute;
  } wanted[] = {{"multiprocessors", cudaDevAttrMultiProcessorCount},
                {"major", cudaDevAttrComputeCapabilityMajor},
                {"minor", cudaDevAttrComputeCapabilityMinor},
                {"sharedMemory", cudaDevAttrMaxSharedMemoryPerBlockOptin}};
  for (const auto& [name, attribute] : wanted) {
    int value = 0;
    if (failed(env, cudaDeviceGetAttribute(&value, attribute, device), "cudaDeviceGetAttribute")) return nullptr;
    set(env, result, name, number(env, value));
  }
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  set(env, result, "driver", number(env, driver));
  set(env, result, "runtime", number(env, runtime));
  return result;
}

napi_value create_stream(napi_env env, napi_callback_info) {
  cudaStream_t stream;
  if (failed(env, cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate")) return nullptr;
  return address(env, stream);
}

napi_value destroy_stream(napi_env env, napi_callback_info info) {
  failed(env, cudaStreamDestroy(Arguments(env, info).pointer<cudaStream_t>(0)), "cudaStreamDestroy");
  return pending(env);
}

/// allocate(bytes, stream)
napi_value allocate(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  void* place = nullptr;
  const cudaError_t error =
      cudaMallocAsync(&place, static_cast<size_t>(arguments.integer(0)), arguments.pointer<cudaStream_t>(1));
  // The error of an allocation would otherwise be reported again by the next launch.
  if (error != cudaSuccess) cudaGetLastError();
  if (failed(env, error, "cudaMallocAsync")) return nullptr;
  return address(env, place);
}

/// free(address, stream): ordered after what the stream has to do.
napi_value free_memory(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  failed(env, cudaFreeAsync(arguments.pointer<void*>(0), arguments.pointer<cudaStream_t>(1)), "cudaFreeAsync");
  return pending(env);
}

/// write(address, bytes, stream): the bytes have been taken over when it returns.
napi_value write(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const auto [data, length] = arguments.bytes(1);
  failed(env,
         cudaMemcpyAsync(arguments.pointer<void*>(0), data, length, cudaMemcpyHostToDevice,
                         arguments.pointer<cudaStream_t>(2)),
         "cudaMemcpyAsync to the device");
  return pending(env);
}

/// fill(address, byte, bytes, stream)
napi_value fill(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  failed(env,
         cudaMemsetAsync(arguments.pointer<void*>(0), static_cast<int>(arguments.integer(1)),
                         static_cast<size_t>(arguments.integer(2)), arguments.pointer<cudaStream_t>(3)),
         "cudaMemsetAsync");
  return pending(env);
}

/// launch(index, words, stream): returns once the kernel is enqueued.
napi_value launch(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const auto index = static_cast<size_t>(arguments.integer(0));
  const auto [words, length] = arguments.bytes(1);
  if (index >= nnz::launcher_count || length != nnz::launchers[index].bytes) {
    throw_error(env, "the arguments do not fit the launcher");
    return nullptr;
  }
  const nnz::Launcher& launcher = nnz::launchers[index];
  failed(env, launcher.launch(words, arguments.pointer<cudaStream_t>(2)), launcher.name);
  return pending(env);
}

napi_value create_event(napi_env env, napi_callback_info) {
  cudaEvent_t event;
  if (failed(env, cudaEventCreate(&event), "cudaEventCreate")) return nullptr;
  return address(env, event);
}

napi_value destroy_event(napi_env env, napi_callback_info info) {
  failed(env, cudaEventDestroy(Arguments(env, info).pointer<cudaEvent_t>(0)), "cudaEventDestroy");
  return pending(env);
}

/// record(event, stream)
napi_value record(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  failed(env, cudaEventRecord(arguments.pointer<cudaEvent_t>(0), arguments.pointer<cudaStream_t>(1)),
         "cudaEventRecord");
  return pending(env);
}

/// elapsed(from, to): milliseconds between two events that have happened.
napi_value elapsed(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  float milliseconds = 0;
  if (failed(env,
             cudaEventElapsedTime(&milliseconds, arguments.pointer<cudaEvent_t>(0), arguments.pointer<cudaEvent_t>(1)),
             "cudaEventElapsedTime"))
    return nullptr;
  return number(env, milliseconds);
}

/// pool(device): bytes in use, and bytes that the pool keeps.
napi_value inspect_pool(napi_env env, napi_callback_info info) {
  cudaMemPool_t pool;
  if (failed(env, cudaDeviceGetDefaultMemPool(&pool, static_cast<int>(Arguments(env, info).integer(0))),
             "cudaDeviceGetDefaultMemPool"))
    return nullptr;
  uint64_t used = 0, reserved = 0;
  if (failed(env, cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used), "cudaMemPoolGetAttribute") ||
      failed(env, cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved),
             "cudaMemPoolGetAttribute"))
    return nullptr;
  napi_value result = object(env);
  set(env, result, "used", number(env, static_cast<double>(used)));
  set(env, result, "reserved", number(env, static_cast<double>(reserved)));
  return result;
}

/// trim(device, bytes): gives back what the pool keeps beyond so many bytes.
napi_value trim_pool(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  cudaMemPool_t pool;
  if (failed(env, cudaDeviceGetDefaultMemPool(&pool, static_cast<int>(arguments.integer(0))),
             "cudaDeviceGetDefaultMemPool"))
    return nullptr;
  failed(env, cudaMemPoolTrimTo(pool, static_cast<size_t>(arguments.integer(1))), "cudaMemPoolTrimTo");
  return pending(env);
}

napi_value describe_launchers(napi_env env) {
  napi_value list;
  napi_create_array_with_length(env, nnz::launcher_count, &list);
  for (size_t i = 0; i < nnz::launcher_count; i++) {
    napi_value row = object(env);
    set(env, row, "name", text(env, nnz::launchers[i].name));
    set(env, row, "fields", text(env, nnz::launchers[i].fields));
    napi_set_element(env, list, static_cast<uint32_t>(i), row);
  }
  return list;
}

napi_value initialise(napi_env env, napi_value exports) {
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"countDevices", count_devices}, {"openDevice", open_device},       {"createStream", create_stream},
      {"destroyStream", destroy_stream}, {"allocate", allocate},          {"free", free_memory},
      {"write", write},                {"read", read},                    {"fill", fill},
      {"launch", launch},              {"synchronize", synchronize},      {"createEvent", create_event},
      {"destroyEvent", destroy_event}, {"record", record},                {"elapsed", elapsed},
      {"inspectPool", inspect_pool},   {"trimPool", trim_pool},
  };
  for (const auto& [name, function] : functions) {
    napi_value value;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
    set(env, exports, name, value);
  }
  set(env, exports, "abi", number(env, ABI));
  set(env, exports, "launchers", describe_launchers(env));
  return exports;
}

}  // namespace
}  // namespace addon

NAPI_MODULE_INIT() { return addon::initialise(env, exports); }
