// The CUDA execution model on one host thread: every CUDA thread is a fiber, the blocks of a grid run one after the other.
// A fiber runs until it waits: at a barrier, or in an instruction that the lanes of its warp execute together. Shared memory
// is poisoned with NaN before each block, and asynchronous copies arrive when they are waited for and no earlier.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

namespace emulator {

constexpr int LANES = 32;

/// What the running fiber may ask about itself.
struct Position {
  dim3 thread, block, block_size, grid_size;
  int lane() const { return static_cast<int>(rank() % LANES); }
  unsigned rank() const { return thread.x + block_size.x * (thread.y + block_size.y * thread.z); }
};
const Position& position();

/// Runs `body` once for each thread of a grid. Returns null, or what went wrong: a barrier that not all threads reached,
/// lanes that are not together where they must be.
const char* run(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& body);

/// The dynamic shared memory of the running block.
void* shared_memory();

/// __syncthreads: all threads of the block that have not returned.
void barrier();

/// What one lane gives to, and gets from, an instruction that a warp executes together.
struct Lane {
  const void* in;
  void* out;
};
/// Waits for the lanes of `mask`; the last one to arrive calls `compute` for all.
void together(unsigned mask, Lane lane, void (*compute)(unsigned mask, const Lane* lanes));

/// cp.async of `bytes` bytes, of which `valid` are read and the others are zero.
void copy_async(void* to, const void* from, size_t bytes, size_t valid);
/// cp.async.commit_group
void commit_copies();
/// cp.async.wait_group: the groups of this thread arrive, all but the newest `pending`.
void wait_copies(int pending);

/// Ends the running kernel with an error; does not return.
[[noreturn]] void fail(const char* reason);

}  // namespace emulator
