#include "execution.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

#include "switch.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulator {
namespace {

constexpr size_t STACK_BYTES = 256 << 10;

struct Copy {
  void* to;
  const void* from;
  size_t bytes, valid;
};

struct Warp {
  unsigned arrived = 0;
  unsigned mask = 0;
  uint64_t generation = 0;
  Lane lanes[LANES];
};

enum class State { ready, at_barrier, with_warp, returned };

struct Fiber {
  Context context;
  void* stack;
  Position position;
  State state;
  uint64_t awaited;  // the generation of the warp at which this fiber began to wait
  std::vector<Copy> issued;
  std::deque<std::vector<Copy>> groups;
};

struct Machine {
  Context scheduler = nullptr;
  const void* scheduler_stack = nullptr;  // for AddressSanitizer
  size_t scheduler_bytes = 0;
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  std::vector<void*> stacks;
  std::vector<unsigned char> shared;
  unsigned char* shared_start = nullptr;
  Fiber* running = nullptr;
  const std::function<void()>* body = nullptr;
  unsigned alive = 0, at_barrier = 0;
  std::string error;
};

Machine machine;

/// Goes on with another stack; AddressSanitizer has to be told of it before and after.
void switch_stacks(Context* from, Context to, const void* stack, size_t bytes, bool leaves_for_good = false) {
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(leaves_for_good ? nullptr : &fake, stack, bytes);
  nnz_emulator_switch(from, to);
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
  (void)stack, (void)bytes, (void)leaves_for_good;
  nnz_emulator_switch(from, to);
#endif
}

void switch_to_scheduler(bool for_good = false) {
  switch_stacks(&machine.running->context, machine.scheduler, machine.scheduler_stack, machine.scheduler_bytes,
                for_good);
}

void start() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &machine.scheduler_stack, &machine.scheduler_bytes);
#endif
  (*machine.body)();
  // What was copied and never waited for has to have been harmless: it arrives at the very end.
  wait_copies(0);
  machine.running->state = State::returned;
  switch_to_scheduler(true);
}

void resume(Fiber& fiber) {
  machine.running = &fiber;
  switch_stacks(&machine.scheduler, fiber.context, fiber.stack, STACK_BYTES);
  machine.running = nullptr;
}

void* stack_for(size_t index) {
  while (machine.stacks.size() <= index) {
    void* stack = mmap(nullptr, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) std::abort();
    machine.stacks.push_back(stack);
  }
  return machine.stacks[index];
}

bool can_run(const Fiber& fiber) {
  switch (fiber.state) {
    case State::ready:
      return true;
    case State::with_warp:
      return machine.warps[fiber.position.rank() / LANES].generation != fiber.awaited;
    default:
      return false;
  }
}

/// Threads in reverse order find races that the natural order hides.
bool reversed() {
  const char* order = std::getenv("NNZ_EMULATOR_ORDER");
  return order != nullptr && std::strcmp(order, "reverse") == 0;
}

void run_block(dim3 grid, dim3 block_index, dim3 block, size_t shared_bytes) {
  const size_t threads = static_cast<size_t>(block.x) * block.y * block.z;
  machine.fibers.resize(threads);
  machine.warps.assign((threads + LANES - 1) / LANES, Warp());
  machine.shared.assign(shared_bytes + 128, 0xff);
  const auto address = reinterpret_cast<uintptr_t>(machine.shared.data());
  machine.shared_start = machine.shared.data() + (128 - address % 128) % 128;
  machine.alive = static_cast<unsigned>(threads);
  machine.at_barrier = 0;
  for (size_t i = 0; i < threads; i++) {
    Fiber& fiber = machine.fibers[i];
    fiber.stack = stack_for(i);
    fiber.state = State::ready;
    fiber.issued.clear();
    fiber.groups.clear();
    const auto n = static_cast<unsigned>(i);
    fiber.position = {{n % block.x, n / block.x % block.y, n / (block.x * block.y)}, block_index, block, grid};
    fiber.context = new_context(fiber.stack, STACK_BYTES, start);
  }
  const bool backwards = reversed();
  while (machine.alive > 0) {
    bool progress = false;
    for (size_t i = 0; i < threads; i++) {
      Fiber& fiber = machine.fibers[backwards ? threads - 1 - i : i];
      if (!can_run(fiber)) continue;
      progress = true;
      fiber.state = State::ready;
      resume(fiber);
      if (!machine.error.empty()) return;
      if (fiber.state == State::returned) machine.alive--;
    }
    if (machine.at_barrier > 0 && machine.at_barrier == machine.alive) {
      for (Fiber& fiber : machine.fibers)
        if (fiber.state == State::at_barrier) fiber.state = State::ready;
      machine.at_barrier = 0;
      progress = true;
    }
    if (!progress) {
      machine.error = machine.at_barrier > 0 ? "a barrier was not reached by all threads of the block"
                                             : "lanes of a warp wait for others that never come";
      return;
    }
  }
}

}  // namespace

const Position& position() { return machine.running->position; }

void* shared_memory() { return machine.shared_start; }

void barrier() {
  machine.running->state = State::at_barrier;
  machine.at_barrier++;
  switch_to_scheduler();
}

void together(unsigned mask, Lane lane, void (*compute)(unsigned, const Lane*)) {
  Fiber& fiber = *machine.running;
  Warp& warp = machine.warps[fiber.position.rank() / LANES];
  const unsigned bit = 1u << fiber.position.lane();
  if ((mask & bit) == 0) fail("a lane executes an instruction whose mask leaves it out");
  if (warp.arrived == 0)
    warp.mask = mask;
  else if (warp.mask != mask)
    fail("lanes of a warp give different masks");
  warp.lanes[fiber.position.lane()] = lane;
  warp.arrived |= bit;
  if (warp.arrived == mask) {
    compute(mask, warp.lanes);
    warp.arrived = 0;
    warp.generation++;
    return;
  }
  fiber.state = State::with_warp;
  fiber.awaited = warp.generation;
  switch_to_scheduler();
}

void copy_async(void* to, const void* from, size_t bytes, size_t valid) {
  std::memset(to, 0xff, bytes);
  machine.running->issued.push_back({to, from, bytes, valid});
}

void commit_copies() {
  Fiber& fiber = *machine.running;
  fiber.groups.push_back(std::move(fiber.issued));
  fiber.issued.clear();
}

void wait_copies(int pending) {
  Fiber& fiber = *machine.running;
  while (fiber.groups.size() > static_cast<size_t>(pending)) {
    for (const Copy& copy : fiber.groups.front()) {
      std::memcpy(copy.to, copy.from, copy.valid);
      std::memset(static_cast<char*>(copy.to) + copy.valid, 0, copy.bytes - copy.valid);
    }
    fiber.groups.pop_front();
  }
}

void fail(const char* reason) {
  machine.error = reason;
  switch_to_scheduler();
  std::abort();  // an ended kernel is never resumed
}

const char* run(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& body) {
  static std::string reason;
  machine.error.clear();
  machine.body = &body;
  for (unsigned z = 0; z < grid.z; z++)
    for (unsigned y = 0; y < grid.y; y++)
      for (unsigned x = 0; x < grid.x; x++) {
        run_block(grid, dim3(x, y, z), block, shared_bytes);
        if (!machine.error.empty()) {
          reason = machine.error;
          return reason.c_str();
        }
      }
  return nullptr;
}

}  // namespace emulator
