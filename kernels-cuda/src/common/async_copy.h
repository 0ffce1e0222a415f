// Copies from global to shared memory that do not pass through registers (PTX ISA, cp.async).
#pragma once
#include "platform.h"

namespace nnz {

/// Copies 16 bytes, of which only the first `valid` are read; the others become zero. Both addresses are multiples of 16.
NNZ_DEVICE void copy_async_16(void* shared, const void* global, int valid = 16) {
#if defined(__CUDACC__)
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(to), "l"(global), "r"(valid));
#else
  emulator::copy_async(shared, global, 16, static_cast<size_t>(valid));
#endif
}

NNZ_DEVICE void commit_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.commit_group;\n");
#else
  emulator::commit_copies();
#endif
}

/// Waits for this thread's groups, all but the newest `Pending`. Other threads' copies need a barrier after it.
template <int Pending>
NNZ_DEVICE void wait_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.wait_group %0;\n" ::"n"(Pending));
#else
  emulator::wait_copies(Pending);
#endif
}

}  // namespace nnz
