// A pipelined tile product: while a stage is multiplied, the next ones are on their way to shared memory.
#include "gemm.h"

#include "tiles.h"

namespace nnz {
namespace {

template <class Out, class Sum>
NNZ_DEVICE void store_as(const Gemm& p, int64_t at, Sum sum, float bias, float scale) {
  float result = static_cast<float>(sum) * scale + bias;
  if (p.residual != nullptr) result += to_f32(static_cast<const Out*>(p.residual)[at]);
  static_cast<Out*>(p.y)[at] = from_f32<Out>(activate(result, p.activation));
}

template <class Sum>
NNZ_DEVICE void store(const Gemm& p, int64_t row, int64_t column, Sum sum, float bias, float scale) {
  if (row >= p.rows || column >= p.columns) return;
  const int64_t at = p.token_major ? column * p.y_stride + row : row * p.y_stride + column;
  if (p.output == 0)
    store_as<float>(p, at, sum, bias, scale);
  else if (p.output == 1)
    store_as<f16>(p, at, sum, bias, scale);
  else
    store_as<bf16>(p, at, sum, bias, scale);
}

template <class T, bool Sparse, bool TokenMajor, bool Aligned>
__global__ void __launch_bounds__(GemmTile<T, Sparse>::WARPS* LANES) gemm(Gemm p) {
  using Tile = GemmTile<T, Sparse>;
  using Sum = typename Accumulator<T>::type;
  constexpr int ROWS = Tile::WARP_M / 16, COLUMNS = Tile::WARP_N / 16;
  const Stages<T, Sparse> stages{shared_memory<unsigned char>()};
  const int warp = threadIdx.x / LANES, lane = threadIdx.x % LANES;
  const int warp_row = warp / Tile::WARPS_N * Tile::WARP_M, warp_column = warp % Tile::WARPS_N * Tile::WARP_N;
  const int64_t first_row = static_cast<int64_t>(blockIdx.x) * Tile::M;
  const int64_t first_column = static_cast<int64_t>(blockIdx.y) * Tile::N;
  const int64_t steps = ceil_div<int64_t>(p.padded_inner, Tile::Depth);
  const auto load = [&](int64_t step) {
    if (step < steps) {
      const int stage = static_cast<int>(step % Tile::STAGES);
      stages.load_weights(stage, p, first_row, step);
      stages.template load_x<TokenMajor, Aligned>(stage, p, first_column, step);
    }
    // Empty groups keep the count of groups equal to that of steps.
    commit_copies();
  };
  Sum sums[ROWS][COLUMNS * 2][4] = {};
  for (int step = 0; step < Tile::STAGES - 1; step++) load(step);
  for (int64_t step = 0; step < steps; step++) {
    wait_copies<Tile::STAGES - 2>();
    // Behind this barrier the stage of the last step is free, and the one of this step is there for all.
    __syncthreads();
    load(step + Tile::STAGES - 1);
    const int stage = static_cast<int>(step % Tile::STAGES);
    NNZ_UNROLL
    for (int k = 0; k < Tile::Depth / Tile::MMA_DEPTH; k++) {
      uint32_t a[ROWS][4], b[COLUMNS][2][Sparse ? 4 : 2], metadata[ROWS];
      NNZ_UNROLL
      for (int i = 0; i < ROWS; i++) {
        stages.read_weights(a[i], stage, warp_row + i * 16, k);
        if constexpr (Sparse) metadata[i] = stages.read_metadata(stage, warp_row + i * 16, k);
      }
      NNZ_UNROLL
      for (int j = 0; j < COLUMNS; j++) stages.template read_x<TokenMajor>(b[j], stage, warp_column + j * 16, k);
      NNZ_UNROLL
      for (int i = 0; i < ROWS; i++)
        NNZ_UNROLL
        for (int j = 0; j < COLUMNS * 2; j++) {
          if constexpr (Sparse)
            mma_sparse<T>(sums[i][j], a[i], b[j / 2][j % 2], metadata[i]);
          else
            mma<T>(sums[i][j], a[i], b[j / 2][j % 2]);
        }
    }
  }
  NNZ_UNROLL
  for (int i = 0; i < ROWS; i++)
    for (int half = 0; half < 2; half++) {
      const int64_t row = first_row + warp_row + i * 16 + half * 8 + lane / 4;
      if (row >= p.rows) continue;
      const float bias = p.bias != nullptr ? p.bias[row] : 0.0f;
      const float scale = p.scales != nullptr ? p.scales[row] : 1.0f;
      NNZ_UNROLL
      for (int j = 0; j < COLUMNS * 2; j++) {
        const int64_t column = first_column + warp_column + j * 8 + lane % 4 * 2;
        store(p, row, column, sums[i][j][half * 2], bias, scale);
        store(p, row, column + 1, sums[i][j][half * 2 + 1], bias, scale);
      }
    }
}

template <class T, bool Sparse, bool TokenMajor>
cudaError_t launch_order(const Gemm& p, cudaStream_t stream) {
  using Tile = GemmTile<T, Sparse>;
  const dim3 grid(static_cast<unsigned>(ceil_div<int64_t>(p.rows, Tile::M)),
                  static_cast<unsigned>(ceil_div<int64_t>(p.columns, Tile::N)));
  const bool aligned =
      reinterpret_cast<uintptr_t>(p.x) % 16 == 0 && p.x_stride * static_cast<int64_t>(sizeof(T)) % 16 == 0;
  const auto kernel = aligned ? gemm<T, Sparse, TokenMajor, true> : gemm<T, Sparse, TokenMajor, false>;
  return launch(kernel, grid, dim3(Tile::WARPS * LANES), Tile::STAGES * Tile::STAGE_BYTES, stream, p);
}

template <class T>
cudaError_t launch_type(const Gemm& p, cudaStream_t stream) {
  if (p.padded_rows % 16 != 0 || p.padded_inner % 32 != 0) return cudaErrorInvalidValue;
  const bool sparse = p.metadata != nullptr;
  if (p.token_major) return sparse ? launch_order<T, true, true>(p, stream) : launch_order<T, false, true>(p, stream);
  if constexpr (sizeof(T) == 1) return cudaErrorInvalidValue;
  else return sparse ? launch_order<T, true, false>(p, stream) : launch_order<T, false, false>(p, stream);
}

}  // namespace

cudaError_t launch_gemm(const Gemm& p, cudaStream_t stream) {
  if (p.rows == 0 || p.columns == 0) return cudaSuccess;
  switch (p.type) {
    case 1:
      return launch_type<f16>(p, stream);
    case 2:
      return launch_type<bf16>(p, stream);
    case 3:
      return launch_type<int8_t>(p, stream);
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace nnz
