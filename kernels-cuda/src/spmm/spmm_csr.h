// y = epilogue(W x): W in CSR, x and y row-major with columns beside each other.
#pragma once
#include "../common/epilogue.h"
#include "../common/registry.h"

namespace nnz {

struct SpmmCsr {
  const uint32_t* row_order;       // rows by falling number of entries: a warp's neighbours work equally long
  const uint32_t* row_offsets;     // [rows + 1]
  const uint32_t* column_indices;  // [nnz]
  const void* values;              // [nnz] of `type`
  const void* x;                   // [inner, x_stride] of `type`
  const float* bias;               // [rows], or null
  const void* residual;            // as y, or null
  void* y;                         // [rows, y_stride] of `type`
  int64_t rows, columns, x_stride, y_stride;
  Activation activation;
  int64_t type;                    // 0 f32, 1 f16, 2 bf16

  static constexpr const char* name = "spmm_csr";
  static constexpr const char* fields =
      "p:rowOrder p:rowOffsets p:columnIndices p:values p:x p:bias p:residual p:y "
      "i:rows i:columns i:xStride i:yStride i:activation i:type";
};

cudaError_t launch_spmm_csr(const SpmmCsr& arguments, cudaStream_t stream);

}  // namespace nnz
