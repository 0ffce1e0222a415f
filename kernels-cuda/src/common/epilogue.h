// What follows a product before it is stored: bias, residual, activation (as @nnz/core's products define them).
#pragma once
#include "platform.h"

namespace nnz {

enum class Activation : int64_t { none, relu, gelu, gelu_tanh, silu };

NNZ_DEVICE float activate(float x, Activation activation) {
  switch (activation) {
    case Activation::relu:
      return x < 0 ? 0.0f : x;
    case Activation::gelu:
      return x == -INFINITY ? -0.0f : 0.5f * x * erfcf(-x * 0.70710678f);
    case Activation::gelu_tanh:
      return x == -INFINITY ? -0.0f : 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case Activation::silu:
      return x == -INFINITY ? -0.0f : x / (1 + expf(-x));
    default:
      return x;
  }
}

}  // namespace nnz
