// Switching between stacks. swapcontext would do, but asks the kernel for the signal mask each time: 20 times slower.
#pragma once
#include <cstddef>
#include <cstdint>

namespace emulator {

/// A stack that is not running: what has to be restored lies on top of it.
using Context = void*;

/// Saves the running stack in `from` and goes on with `to`.
extern "C" void nnz_emulator_switch(Context* from, Context to);

/// A context that begins with `start`, which must not return.
inline Context new_context(void* stack, size_t bytes, void (*start)()) {
#if defined(__x86_64__)
  constexpr int SAVED = 6;  // rbp, rbx, r12 to r15; above them the address to go to, aligned as after a call
  auto** top = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(stack) + bytes) - 2;
  *top = reinterpret_cast<void*>(start);
#elif defined(__aarch64__)
  constexpr int SAVED = 20;  // d8 to d15, x19 to x29, and x30 as the address to go to
  auto** top = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(stack) + bytes);
  top[-1] = reinterpret_cast<void*>(start);
#else
#error "the emulator knows x86-64 and arm64"
#endif
  return top - SAVED;
}

}  // namespace emulator
