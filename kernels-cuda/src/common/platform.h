// One source for two compilers: nvcc, and g++ with the emulator in emulator/. What differs between them stands here and in
// the wrappers beside this file; kernels include only these.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#if defined(__CUDACC__)
#define NNZ_DEVICE __device__ __forceinline__
#define NNZ_HOST_DEVICE __host__ __device__ __forceinline__
#define NNZ_UNROLL _Pragma("unroll")
#else
#define NNZ_DEVICE inline
#define NNZ_HOST_DEVICE inline
#define NNZ_UNROLL
#endif

namespace nnz {

constexpr int LANES = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

template <class T>
NNZ_HOST_DEVICE constexpr T ceil_div(T a, T b) {
  return (a + b - 1) / b;
}

/// The dynamic shared memory of the block, aligned to 128 bytes. Kernels use no other: the emulator poisons this one.
template <class T>
NNZ_DEVICE T* shared_memory() {
#if defined(__CUDACC__)
  extern __shared__ __align__(128) unsigned char nnz_shared[];
  return reinterpret_cast<T*>(nnz_shared);
#else
  return static_cast<T*>(emulator::shared_memory());
#endif
}

/// Enqueues a kernel. More than 48 KB of shared memory are asked for where they are needed.
template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
                   Arguments... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return cudaSuccess;
#if defined(__CUDACC__)
  if (shared_bytes > 48 * 1024) {
    const cudaError_t error =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
    if (error != cudaSuccess) return error;
  }
  kernel<<<grid, block, shared_bytes, stream>>>(static_cast<Parameters>(arguments)...);
  return cudaGetLastError();
#else
  (void)stream;
  return emulator::launch(grid, block, shared_bytes, [=] { kernel(static_cast<Parameters>(arguments)...); });
#endif
}

}  // namespace nnz
