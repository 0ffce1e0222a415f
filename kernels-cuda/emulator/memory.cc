#include "memory.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

struct EmulatedStream {};
struct EmulatedEvent {
  std::chrono::steady_clock::time_point when;
};
struct EmulatedPool {
  size_t used = 0;
};

namespace {

cudaError_t failed = cudaSuccess;  // of a kernel, until a synchronising call has told it
EmulatedPool pool;
std::unordered_map<void*, size_t>& sizes() {
  static std::unordered_map<void*, size_t> map;
  return map;
}

/// More than this is refused, so that running out of memory can be tested.
constexpr size_t DEVICE_BYTES = size_t{1} << 30;

cudaError_t told() {
  const cudaError_t error = failed;
  failed = cudaSuccess;
  return error;
}

}  // namespace

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
    case cudaErrorInsufficientDriver: return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice: return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    case cudaErrorNotReady: return "cudaErrorNotReady";
    case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure";
  }
  return "unknown";
}
const char* cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }
cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  std::snprintf(properties->name, sizeof properties->name, "emulator on the host");
  properties->totalGlobalMem = DEVICE_BYTES;
  return cudaSetDevice(device);
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount: *value = 4; break;
    case cudaDevAttrComputeCapabilityMajor: *value = 8; break;
    case cudaDevAttrComputeCapabilityMinor: *value = 0; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = 163 << 10; break;
  }
  return cudaSuccess;
}
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* result, int) {
  *result = &pool;
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t asked, cudaMemPoolAttr, void* value) {
  *static_cast<uint64_t*>(value) = asked->used;
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) { return cudaSuccess; }
cudaError_t cudaDriverGetVersion(int* version) {
  *version = 0;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) { return cudaDriverGetVersion(version); }

cudaError_t cudaMallocAsync(void** place, size_t bytes, cudaStream_t) {
  if (pool.used + bytes > DEVICE_BYTES) return cudaErrorMemoryAllocation;
  void* found = nullptr;
  if (posix_memalign(&found, 256, bytes) != 0) return cudaErrorMemoryAllocation;
  std::memset(found, 0xff, bytes);
  sizes()[found] = bytes;
  pool.used += bytes;
  *place = found;
  return cudaSuccess;
}
cudaError_t cudaFreeAsync(void* place, cudaStream_t) {
  const auto found = sizes().find(place);
  if (found == sizes().end()) return cudaErrorInvalidValue;
  pool.used -= found->second;
  sizes().erase(found);
  std::free(place);
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** place, size_t bytes) {
  *place = std::malloc(bytes);
  return *place == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
cudaError_t cudaFreeHost(void* place) {
  std::free(place);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  std::memmove(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* place, int byte, size_t bytes, cudaStream_t) {
  std::memset(place, byte, bytes);
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new EmulatedStream;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return told(); }
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new EmulatedEvent;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  event->when = std::chrono::steady_clock::now();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return told(); }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  *milliseconds = std::chrono::duration<float, std::milli>(to->when - from->when).count();
  return cudaSuccess;
}

namespace emulator {

cudaError_t launch(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& body) {
  const size_t threads = static_cast<size_t>(block.x) * block.y * block.z;
  if (threads == 0 || threads > 1024 || grid.y > 65535 || grid.z > 65535) return cudaErrorInvalidConfiguration;
  if (shared_bytes > (227u << 10)) return cudaErrorInvalidValue;
  if (const char* reason = run(grid, block, shared_bytes, body)) {
    std::fprintf(stderr, "emulator: %s\n", reason);
    failed = cudaErrorLaunchFailure;
  }
  return cudaSuccess;
}

}  // namespace emulator
