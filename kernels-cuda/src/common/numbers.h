// 16-bit storage types and their conversions to f32.
#pragma once
#include "platform.h"

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace nnz {

#if defined(__CUDACC__)

using f16 = __half;
using bf16 = __nv_bfloat16;

NNZ_DEVICE float to_f32(f16 x) { return __half2float(x); }
NNZ_DEVICE float to_f32(bf16 x) { return __bfloat162float(x); }

#else

struct f16 {
  _Float16 value;
};
struct bf16 {
  uint16_t bits;
};

inline float to_f32(f16 x) { return static_cast<float>(x.value); }
inline float to_f32(bf16 x) { return __uint_as_float(static_cast<unsigned>(x.bits) << 16); }

#endif

NNZ_DEVICE float to_f32(float x) { return x; }

/// Rounds to nearest, ties to even, as the conversions of core's compact layouts do.
template <class T>
NNZ_DEVICE T from_f32(float x);

template <>
NNZ_DEVICE float from_f32<float>(float x) {
  return x;
}
template <>
NNZ_DEVICE f16 from_f32<f16>(float x) {
#if defined(__CUDACC__)
  return __float2half_rn(x);
#else
  return {static_cast<_Float16>(x)};
#endif
}
template <>
NNZ_DEVICE bf16 from_f32<bf16>(float x) {
#if defined(__CUDACC__)
  return __float2bfloat16_rn(x);
#else
  const unsigned bits = __float_as_uint(x);
  if (x != x) return {static_cast<uint16_t>(bits >> 16 | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
#endif
}

}  // namespace nnz
