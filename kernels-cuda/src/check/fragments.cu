#include "fragments.h"

#include "../common/async_copy.h"
#include "../common/mma.h"

namespace nnz {
namespace {

template <class T, bool Sparse>
__global__ void __launch_bounds__(LANES) one_instruction(Fragments p) {
  const int lane = threadIdx.x;
  uint32_t a[4], b[Sparse ? 4 : 2];
  typename Accumulator<T>::type c[4];
  auto* result = static_cast<typename Accumulator<T>::type*>(p.c) + lane * 4;
  for (int i = 0; i < 4; i++) a[i] = p.a[lane * 4 + i];
  for (int i = 0; i < (Sparse ? 4 : 2); i++) b[i] = p.b[lane * (Sparse ? 4 : 2) + i];
  for (int i = 0; i < 4; i++) c[i] = result[i];
  if constexpr (Sparse)
    mma_sparse<T>(c, a, b, p.metadata[lane]);
  else
    mma<T>(c, a, b);
  for (int i = 0; i < 4; i++) result[i] = c[i];
}

__global__ void __launch_bounds__(LANES) load_once(LoadedMatrices p) {
  const int lane = threadIdx.x;
  auto* shared = shared_memory<uint16_t>();
  copy_async_16(shared + lane * 8, p.matrices + lane * 8);
  commit_copies();
  wait_copies<0>();
  __syncthreads();
  uint32_t out[4];
  if (p.transposed)
    load_matrices_transposed(out, shared + lane * 8);
  else
    load_matrices(out, shared + lane * 8);
  for (int i = 0; i < 4; i++) p.out[lane * 4 + i] = out[i];
}

template <class T>
cudaError_t launch_type(const Fragments& p, cudaStream_t stream) {
  return p.sparse ? launch(one_instruction<T, true>, dim3(1), dim3(LANES), 0, stream, p)
                  : launch(one_instruction<T, false>, dim3(1), dim3(LANES), 0, stream, p);
}

}  // namespace

cudaError_t launch_fragments(const Fragments& p, cudaStream_t stream) {
  switch (p.type) {
    case 0:
      return launch_type<f16>(p, stream);
    case 1:
      return launch_type<bf16>(p, stream);
    case 2:
      return launch_type<int8_t>(p, stream);
    default:
      return cudaErrorInvalidValue;
  }
}

cudaError_t launch_loaded_matrices(const LoadedMatrices& p, cudaStream_t stream) {
  return launch(load_once, dim3(1), dim3(LANES), 32 * 8 * sizeof(uint16_t), stream, p);
}

}  // namespace nnz
