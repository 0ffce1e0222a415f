// Tile choices of the tensor-core products, each with its reason.
#pragma once
#include "../common/mma.h"
#include "gemm.h"

namespace nnz {

/// Bytes of a row of the dense W, and of x, that one stage of the pipeline holds.
constexpr int GEMM_DEPTH_BYTES = 128;

/// Sizes of the tile that one block computes. `M` x `N` outputs, `Depth` columns of W at a time.
template <class T, bool Sparse_>
struct GemmTile {
  static constexpr bool Sparse = Sparse_;
  // 128 x 128 outputs read each operand 128 times from shared memory for 64 multiply-adds a byte: above what the tensor
  // cores need on sm_80 and sm_90 with mma.sync.
  static constexpr int M = 128, N = 128;
  // 8 warps of 64 x 32: 64 accumulators a thread leave room for both fragments, and two blocks fit on a multiprocessor.
  static constexpr int WARPS_M = 2, WARPS_N = 4;
  static constexpr int WARPS = WARPS_M * WARPS_N;
  // One stage is 128 bytes of the dense row: whole lines of x, and four 16-byte groups of 2:4 weights.
  static constexpr int Depth = GEMM_DEPTH_BYTES / static_cast<int>(sizeof(T));
  // Three stages hide a read from L2 (about 250 cycles on sm_80) behind two stages of 256 cycles of tensor-core work.
  static constexpr int STAGES = 3;

  static constexpr int StoredDepth = Sparse ? Depth / 2 : Depth;
  static constexpr int WARP_M = M / WARPS_M, WARP_N = N / WARPS_N;
  static constexpr int MMA_DEPTH = mma_depth<T> * (Sparse ? 2 : 1);

  static constexpr int WEIGHT_BYTES = M * StoredDepth * static_cast<int>(sizeof(T));
  static constexpr int X_BYTES = N * GEMM_DEPTH_BYTES;
  // Metadata: 2 bits for each stored element.
  static constexpr int METADATA_BYTES = Sparse ? M * StoredDepth / 4 : 0;
  static constexpr int STAGE_BYTES = WEIGHT_BYTES + X_BYTES + METADATA_BYTES;
};

}  // namespace nnz
