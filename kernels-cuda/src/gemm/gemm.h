// y = epilogue(W x) on tensor cores: W dense or 2:4, x with columns beside each other or token-major.
#pragma once
#include "../common/epilogue.h"
#include "../common/registry.h"

namespace nnz {

/// W is stored for the kernel: rows up to a multiple of 16 and columns up to a multiple of 32, filled with zeros; a 2:4 W
/// without its zeros, with metadata as core's `nm.toTensorCore` lays them out.
struct Gemm {
  const void* weights;       // [padded_rows, padded_inner], half the columns where `metadata` is given; of `type`
  const uint32_t* metadata;  // [padded_rows / 16, padded_inner / 32, 16], or null for a dense W
  const void* x;             // [inner, columns], or [columns, inner] where `token_major`; of `type`
  const float* bias;         // [rows], or null
  const void* residual;      // as y, or null
  void* y;                   // [rows, columns], or [columns, rows]; of `output`
  const float* scales;       // i8: scale of each row of W times that of x, [rows]; else null
  int64_t rows, inner, columns;
  int64_t padded_rows, padded_inner;
  int64_t x_stride, y_stride;  // elements between rows of x and of y as they lie in memory
  int64_t token_major;
  Activation activation;
  int64_t type;    // 0 f32 is not for tensor cores, 1 f16, 2 bf16, 3 i8
  int64_t output;  // 0 f32, 1 f16, 2 bf16

  static constexpr const char* name = "gemm";
  static constexpr const char* fields =
      "p:weights p:metadata p:x p:bias p:residual p:y p:scales i:rows i:inner i:columns i:paddedRows i:paddedInner "
      "i:xStride i:yStride i:tokenMajor i:activation i:type i:output";
};

cudaError_t launch_gemm(const Gemm& arguments, cudaStream_t stream);

}  // namespace nnz
