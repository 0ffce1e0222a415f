// Intrinsics that kernels use, with the meaning that the CUDA programming guide gives them.
#pragma once
#include <algorithm>

#include "execution.h"

inline void __syncthreads() { emulator::barrier(); }

inline void __syncwarp(unsigned mask = 0xffffffffu) {
  emulator::together(mask, {nullptr, nullptr}, [](unsigned, const emulator::Lane*) {});
}

namespace emulator {

template <class T>
struct Shuffle {
  T value;
  int source;
};

/// Every lane gets the value of the lane that it names; its own where that one does not take part.
template <class T>
T shuffle(unsigned mask, T value, int source) {
  Shuffle<T> in = {value, source};
  T out = value;
  together(mask, {&in, &out}, [](unsigned members, const Lane* lanes) {
    for (int lane = 0; lane < LANES; lane++) {
      if (!(members >> lane & 1)) continue;
      const int from = static_cast<const Shuffle<T>*>(lanes[lane].in)->source;
      const int chosen = from >= 0 && from < LANES && (members >> from & 1) ? from : lane;
      *static_cast<T*>(lanes[lane].out) = static_cast<const Shuffle<T>*>(lanes[chosen].in)->value;
    }
  });
  return out;
}

/// The source lane inside its part of `width` lanes, or the lane itself where that lies outside.
inline int within(int source, int width) {
  const int lane = position().lane(), first = lane / width * width;
  return source >= first && source < first + width ? source : lane;
}

}  // namespace emulator

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  const int first = emulator::position().lane() / width * width;
  return emulator::shuffle(mask, value, first + (source & (width - 1)));
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
  return emulator::shuffle(mask, value, emulator::within(emulator::position().lane() ^ bits, width));
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return emulator::shuffle(mask, value, emulator::within(emulator::position().lane() + static_cast<int>(delta), width));
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return emulator::shuffle(mask, value, emulator::within(emulator::position().lane() - static_cast<int>(delta), width));
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
  unsigned out = 0;
  emulator::together(mask, {&predicate, &out}, [](unsigned members, const emulator::Lane* lanes) {
    unsigned votes = 0;
    for (int lane = 0; lane < emulator::LANES; lane++)
      if ((members >> lane & 1) && *static_cast<const int*>(lanes[lane].in) != 0) votes |= 1u << lane;
    for (int lane = 0; lane < emulator::LANES; lane++)
      if (members >> lane & 1) *static_cast<unsigned*>(lanes[lane].out) = votes;
  });
  return out;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) == mask; }

// One host thread runs everything: what is atomic on the device is plain here.
template <class T>
T atomicAdd(T* place, T value) {
  const T before = *place;
  *place = before + value;
  return before;
}
template <class T>
T atomicMax(T* place, T value) {
  const T before = *place;
  *place = std::max(before, value);
  return before;
}

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline float __expf(float x) { return std::exp(x); }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline unsigned __float_as_uint(float x) {
  unsigned bits;
  std::memcpy(&bits, &x, 4);
  return bits;
}
inline float __uint_as_float(unsigned bits) {
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}
template <class T>
T __ldg(const T* place) {
  return *place;
}
using std::max;
using std::min;
