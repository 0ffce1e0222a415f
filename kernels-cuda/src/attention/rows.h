// Tiles of rows [64, head_dim] of q, k, v or a gradient in shared memory, and their fragments.
#pragma once
#include "../common/async_copy.h"
#include "../common/mma.h"
#include "attention.h"

namespace nnz {

/// A tile of 64 rows of `D` 16-bit elements; 16-byte chunks are exchanged by the row, so that ldmatrix meets no bank twice.
template <class T, int D>
struct RowTile {
  static constexpr int CHUNKS = D / 8;
  static constexpr int BYTES = ATTENTION_TILE * D * 2;
  uint4* chunks;

  NNZ_DEVICE uint4* at(int row, int chunk) const { return chunks + row * CHUNKS + (chunk ^ (row & 7)); }

  /// Begins to copy rows `first` to `first + 63` of [rows, D]; those beyond `rows` become zero.
  NNZ_DEVICE void load(const T* source, int64_t first, int64_t rows) const {
    for (int i = threadIdx.x; i < ATTENTION_TILE * CHUNKS; i += blockDim.x) {
      const int row = i / CHUNKS, chunk = i % CHUNKS;
      const bool exists = first + row < rows;
      copy_async_16(at(row, chunk), source + (exists ? first + row : 0) * D + chunk * 8, exists ? 16 : 0);
    }
  }

  /// A of 16 rows from `row` on, depth step `k`.
  NNZ_DEVICE void read_a(uint32_t (&a)[4], int row, int k) const {
    const int lane = threadIdx.x % LANES;
    load_matrices(a, at(row + lane % 16, 2 * k + lane / 16));
  }

  /// B where the product sums over the columns of the tile: columns of B are rows `row` to `row + 15` here.
  NNZ_DEVICE void read_b(uint32_t (&b)[2][2], int row, int k) const {
    const int lane = threadIdx.x % LANES;
    uint32_t four[4];
    load_matrices(four, at(row + lane / 16 * 8 + lane % 8, 2 * k + lane / 8 % 2));
    for (int i = 0; i < 4; i++) b[i / 2][i % 2] = four[i];
  }

  /// B where the product sums over the rows of the tile: rows 16 k to 16 k + 15, columns from `column` on, 16 of them.
  NNZ_DEVICE void read_b_transposed(uint32_t (&b)[2][2], int k, int column) const {
    const int lane = threadIdx.x % LANES;
    uint32_t four[4];
    load_matrices_transposed(four, at(16 * k + lane / 8 % 2 * 8 + lane % 8, column / 8 + lane / 16));
    for (int i = 0; i < 4; i++) b[i / 2][i % 2] = four[i];
  }
};

/// Two numbers as one register of two 16-bit elements, the first in the lower half.
template <class T>
NNZ_DEVICE uint32_t packed(float first, float second) {
  const T both[2] = {from_f32<T>(first), from_f32<T>(second)};
  uint32_t word;
  memcpy(&word, both, 4);
  return word;
}

/// Accumulators of two neighbouring 16 x 8 tiles as A of a product over their columns.
template <class T>
NNZ_DEVICE void as_a(uint32_t (&a)[4], const float (&left)[4], const float (&right)[4]) {
  a[0] = packed<T>(left[0], left[1]);
  a[1] = packed<T>(left[2], left[3]);
  a[2] = packed<T>(right[0], right[1]);
  a[3] = packed<T>(right[2], right[3]);
}

}  // namespace nnz
