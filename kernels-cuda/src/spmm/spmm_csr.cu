// One warp for each row and panel of columns, after Sputnik (Gale et al., arXiv 2006.10901): rows are taken in falling
// order of their lengths, so that the warps of a block end together; the entries of a row are read 32 at a time, one by
// each lane, and handed round; x is read in vectors where its rows are aligned.
#include "spmm_csr.h"

#include "../common/numbers.h"

namespace nnz {
namespace {

/// Warps of a block: 4 rows keep enough loads in flight and lose little where a row is long.
constexpr int WARPS = 4;

/// `V` neighbouring elements as one load.
template <class T, int V>
struct alignas(V * sizeof(T)) Vector {
  T at[V];
};

template <class T, int V>
__global__ void __launch_bounds__(WARPS * LANES) spmm_csr(SpmmCsr p) {
  const int lane = threadIdx.x % LANES;
  const int64_t place = static_cast<int64_t>(blockIdx.x) * WARPS + threadIdx.x / LANES;
  // Whole warps leave: shuffles below need all lanes.
  if (place >= p.rows) return;
  const uint32_t row = p.row_order[place];
  const int64_t column = (static_cast<int64_t>(blockIdx.y) * LANES + lane) * V;
  const bool inside = column < p.columns;
  const T* values = static_cast<const T*>(p.values);
  const T* x = static_cast<const T*>(p.x) + column;
  float sum[V] = {};
  const uint32_t end = p.row_offsets[row + 1];
  for (uint32_t first = p.row_offsets[row]; first < end; first += LANES) {
    const uint32_t own = first + lane;
    const uint32_t index = own < end ? p.column_indices[own] : 0;
    const float value = own < end ? to_f32(values[own]) : 0.0f;
    const int count = end - first < LANES ? static_cast<int>(end - first) : LANES;
    for (int i = 0; i < count; i++) {
      const int64_t k = __shfl_sync(ALL_LANES, index, i);
      const float w = __shfl_sync(ALL_LANES, value, i);
      if (!inside) continue;
      const auto loaded = *reinterpret_cast<const Vector<T, V>*>(x + k * p.x_stride);
      NNZ_UNROLL
      for (int v = 0; v < V; v++) sum[v] = fmaf(w, to_f32(loaded.at[v]), sum[v]);
    }
  }
  if (!inside) return;
  const float bias = p.bias != nullptr ? p.bias[row] : 0.0f;
  const int64_t at = row * p.y_stride + column;
  const T* residual = static_cast<const T*>(p.residual) + at;
  T* y = static_cast<T*>(p.y) + at;
  NNZ_UNROLL
  for (int v = 0; v < V; v++) {
    float result = sum[v] + bias;
    if (p.residual != nullptr) result += to_f32(residual[v]);
    y[v] = from_f32<T>(activate(result, p.activation));
  }
}

template <class T, int V>
cudaError_t launch_vectors(const SpmmCsr& p, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(ceil_div<int64_t>(p.rows, WARPS)),
                  static_cast<unsigned>(ceil_div<int64_t>(p.columns, LANES * V)));
  return launch(spmm_csr<T, V>, grid, dim3(WARPS * LANES), 0, stream, p);
}

/// The widest vectors, up to 16 bytes, that divide every row of x and leave no lane idle that narrower ones would use.
template <class T>
cudaError_t launch_type(const SpmmCsr& p, cudaStream_t stream) {
  const auto fits = [&](int64_t v) {
    const bool aligned = reinterpret_cast<uintptr_t>(p.x) % (v * sizeof(T)) == 0 && p.x_stride % v == 0;
    return aligned && p.columns % v == 0 && p.columns > LANES * v / 2;
  };
  if (fits(4)) return launch_vectors<T, 4>(p, stream);
  if (fits(2)) return launch_vectors<T, 2>(p, stream);
  return launch_vectors<T, 1>(p, stream);
}

}  // namespace

cudaError_t launch_spmm_csr(const SpmmCsr& p, cudaStream_t stream) {
  if (p.rows == 0 || p.columns == 0) return cudaSuccess;
  switch (p.type) {
    case 0:
      return launch_type<float>(p, stream);
    case 1:
      return launch_type<f16>(p, stream);
    case 2:
      return launch_type<bf16>(p, stream);
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace nnz
