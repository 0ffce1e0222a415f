#include "waiting.h"

#include <cstring>

namespace addon {
namespace {

struct Waiting {
  napi_async_work work;
  napi_deferred promise;
  cudaStream_t stream;
  int device;
  cudaError_t error;
  void* pinned;  // what is read arrives here, or null
  size_t bytes;
};

void wait(napi_env, void* data) {
  auto& waiting = *static_cast<Waiting*>(data);
  waiting.error = cudaSetDevice(waiting.device);
  if (waiting.error == cudaSuccess) waiting.error = cudaStreamSynchronize(waiting.stream);
}

void settle(napi_env env, napi_status, void* data) {
  auto* waiting = static_cast<Waiting*>(data);
  if (waiting->error != cudaSuccess) {
    napi_reject_deferred(env, waiting->promise, cuda_error(env, waiting->error, "cudaStreamSynchronize"));
  } else {
    napi_value result = pending(env);
    if (waiting->pinned != nullptr) {
      void* target = nullptr;
      napi_create_arraybuffer(env, waiting->bytes, &target, &result);
      if (waiting->bytes > 0) std::memcpy(target, waiting->pinned, waiting->bytes);
    }
    napi_resolve_deferred(env, waiting->promise, result);
  }
  if (waiting->pinned != nullptr) cudaFreeHost(waiting->pinned);
  napi_delete_async_work(env, waiting->work);
  delete waiting;
}

napi_value begin(napi_env env, Waiting* waiting) {
  napi_value promise, name = text(env, "nnz: waiting for CUDA");
  napi_create_promise(env, &waiting->promise, &promise);
  napi_create_async_work(env, nullptr, name, wait, settle, waiting, &waiting->work);
  napi_queue_async_work(env, waiting->work);
  return promise;
}

}  // namespace

napi_value synchronize(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return begin(env, new Waiting{nullptr, nullptr, arguments.pointer<cudaStream_t>(0),
                                static_cast<int>(arguments.integer(1)), cudaSuccess, nullptr, 0});
}

napi_value read(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const auto bytes = static_cast<size_t>(arguments.integer(1));
  const auto stream = arguments.pointer<cudaStream_t>(2);
  void* pinned = nullptr;
  if (failed(env, cudaMallocHost(&pinned, bytes > 0 ? bytes : 1), "cudaMallocHost")) return nullptr;
  // Enqueued here and not by the waiting thread: what the caller enqueues next must come after it.
  const cudaError_t error =
      bytes > 0 ? cudaMemcpyAsync(pinned, arguments.pointer<void*>(0), bytes, cudaMemcpyDeviceToHost, stream) : cudaSuccess;
  if (error != cudaSuccess) cudaFreeHost(pinned);
  if (failed(env, error, "cudaMemcpyAsync from the device")) return nullptr;
  return begin(env, new Waiting{nullptr, nullptr, stream, static_cast<int>(arguments.integer(3)), cudaSuccess, pinned,
                                bytes});
}

}  // namespace addon
