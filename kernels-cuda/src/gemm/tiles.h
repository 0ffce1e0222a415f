// How the operands of one stage lie in shared memory, and how fragments are read from there.
#pragma once
#include "../common/async_copy.h"
#include "config.h"

namespace nnz {

/// 16-byte chunks of a row are exchanged by its number, so that eight rows that ldmatrix reads at once, and a column of
/// chunks that is written at once, lie in different banks. `Chunks` is the number of chunks in a row.
template <int Chunks>
NNZ_DEVICE int swizzled(int row, int chunk) {
  if constexpr (Chunks >= 8) return row * Chunks + (chunk ^ (row & 7));
  // Rows of 64 bytes: two of them make the 128 bytes of all banks.
  return row * Chunks + (chunk ^ (row >> 1 & 3));
}

/// Copies chunk `chunk` of a row of a matrix in global memory, of which `length` elements from `start` on exist.
/// `Aligned`: rows begin at multiples of 16 bytes; else element by element.
template <class T, bool Aligned>
NNZ_DEVICE void copy_chunk(uint4* shared, const T* row, int64_t start, int64_t length) {
  constexpr int PER_CHUNK = 16 / sizeof(T);
  const int64_t left = length - start;
  const int valid = left >= PER_CHUNK ? PER_CHUNK : left > 0 ? static_cast<int>(left) : 0;
  if constexpr (Aligned) {
    copy_async_16(shared, valid > 0 ? row + start : row, valid * static_cast<int>(sizeof(T)));
  } else {
    alignas(16) T elements[PER_CHUNK] = {};
    for (int i = 0; i < valid; i++) elements[i] = row[start + i];
    *shared = *reinterpret_cast<const uint4*>(elements);
  }
}

/// The stages of one block's pipeline.
template <class T, bool Sparse>
struct Stages {
  using Tile = GemmTile<T, Sparse>;
  static constexpr int WEIGHT_CHUNKS = Tile::StoredDepth * static_cast<int>(sizeof(T)) / 16;
  static constexpr int PER_CHUNK = 16 / sizeof(T);
  unsigned char* memory;

  NNZ_DEVICE uint4* weights(int stage) const { return reinterpret_cast<uint4*>(memory + stage * Tile::STAGE_BYTES); }
  NNZ_DEVICE uint4* x(int stage) const { return weights(stage) + Tile::WEIGHT_BYTES / 16; }
  NNZ_DEVICE uint4* metadata(int stage) const { return x(stage) + Tile::X_BYTES / 16; }

  /// Begins to copy the weights of step `step`; rows beyond the padded matrix are zero.
  NNZ_DEVICE void load_weights(int stage, const Gemm& p, int64_t first_row, int64_t step) const {
    const int64_t stored = Sparse ? p.padded_inner / 2 : p.padded_inner;
    for (int i = threadIdx.x; i < Tile::M * WEIGHT_CHUNKS; i += Tile::WARPS * LANES) {
      const int row = i / WEIGHT_CHUNKS, chunk = i % WEIGHT_CHUNKS;
      const bool exists = first_row + row < p.padded_rows;
      const T* source = static_cast<const T*>(p.weights) + (exists ? first_row + row : 0) * stored;
      copy_chunk<T, true>(weights(stage) + swizzled<WEIGHT_CHUNKS>(row, chunk), source,
                          step * Tile::StoredDepth + chunk * PER_CHUNK, exists ? stored : 0);
    }
    if constexpr (Sparse) load_metadata(stage, p, first_row, step);
  }

  /// Four chunks for each tile of 16 x 32 elements of 16 bits (16 x 64 of 8 bits: two tiles of core's layout).
  NNZ_DEVICE void load_metadata(int stage, const Gemm& p, int64_t first_row, int64_t step) const {
    constexpr int ROW_CHUNKS = Tile::Depth / 32 * 4;
    for (int i = threadIdx.x; i < Tile::M / 16 * ROW_CHUNKS; i += Tile::WARPS * LANES) {
      // Beyond the matrix the words of its edge: zeros would name one column twice, which is undefined.
      const int64_t tile_row = min(first_row / 16 + i / ROW_CHUNKS, p.padded_rows / 16 - 1);
      const int64_t tile_column = min(step * (Tile::Depth / 32) + i % ROW_CHUNKS / 4, p.padded_inner / 32 - 1);
      copy_async_16(metadata(stage) + i, p.metadata + (tile_row * (p.padded_inner / 32) + tile_column) * 16 + i % 4 * 4);
    }
  }

  /// Begins to copy x: [columns, depth] where it is token-major, else [depth, columns].
  template <bool TokenMajor, bool Aligned>
  NNZ_DEVICE void load_x(int stage, const Gemm& p, int64_t first_column, int64_t step) const {
    constexpr int ROWS = TokenMajor ? Tile::N : Tile::Depth;
    constexpr int CHUNKS = Tile::X_BYTES / 16 / ROWS;
    const int64_t k = step * Tile::Depth;
    const int64_t first = TokenMajor ? first_column : k, rows = TokenMajor ? p.columns : p.inner;
    const int64_t start = TokenMajor ? k : first_column, length = TokenMajor ? p.inner : p.columns;
    for (int i = threadIdx.x; i < ROWS * CHUNKS; i += Tile::WARPS * LANES) {
      const int row = i / CHUNKS, chunk = i % CHUNKS;
      const bool exists = first + row < rows;
      const T* source = static_cast<const T*>(p.x) + (exists ? first + row : 0) * p.x_stride;
      copy_chunk<T, Aligned>(x(stage) + swizzled<CHUNKS>(row, chunk), source, start + chunk * PER_CHUNK,
                             exists ? length : 0);
    }
  }

  /// The fragment of W for 16 rows from `row` on and step `k` of the instruction inside the stage.
  NNZ_DEVICE void read_weights(uint32_t (&a)[4], int stage, int row, int k) const {
    const int lane = threadIdx.x % LANES;
    // Two chunks of a row are the depth of one instruction, whatever the type.
    load_matrices(a, weights(stage) + swizzled<WEIGHT_CHUNKS>(row + lane % 16, 2 * k + lane / 16));
  }

  NNZ_DEVICE uint32_t read_metadata(int stage, int row, int k) const {
    const int lane = threadIdx.x % LANES;
    const auto* words = reinterpret_cast<const uint32_t*>(metadata(stage)) + row / 16 * (Tile::Depth / 2);
    // 16 bits: lanes 4q and 4q + 1 hold the two words of rows q and q + 8; others give what is not read. 8 bits: the four
    // lanes of a group hold the words of two tiles of core's layout beside each other.
    if constexpr (sizeof(T) == 1) return words[(2 * k + lane % 4 / 2) * 16 + lane / 4 * 2 + lane % 2];
    return words[k * 16 + lane / 4 * 2 + lane % 2];
  }

  /// Fragments of x for 16 columns from `column` on: b[0] for the first eight, b[1] for the others. Dense: both by one
  /// ldmatrix; sparse: twice the depth, one each.
  template <bool TokenMajor>
  NNZ_DEVICE void read_x(uint32_t (&b)[2][Sparse ? 4 : 2], int stage, int column, int k) const {
    const int lane = threadIdx.x % LANES;
    if constexpr (Sparse) {
      for (int half = 0; half < 2; half++) read_matrices<TokenMajor>(b[half], stage, column + 8 * half, 4 * k + lane / 8);
    } else {
      uint32_t four[4];
      read_matrices<TokenMajor>(four, stage, column + lane / 16 * 8, 2 * k + lane / 8 % 2);
      for (int i = 0; i < 4; i++) b[i / 2][i % 2] = four[i];
    }
  }

 private:
  /// ldmatrix where this lane's matrix begins at `column` and covers chunk `chunk` of the depth.
  template <bool TokenMajor>
  NNZ_DEVICE void read_matrices(uint32_t (&out)[4], int stage, int column, int chunk) const {
    const int row = threadIdx.x % 8;
    if constexpr (TokenMajor) {
      load_matrices(out, x(stage) + swizzled<GEMM_DEPTH_BYTES / 16>(column + row, chunk));
    } else {
      // Transposing works on 16-bit elements: the launcher refuses 8-bit x in this order.
      constexpr int CHUNKS = Tile::N * static_cast<int>(sizeof(T)) / 16;
      load_matrices_transposed(out, x(stage) + swizzled<CHUNKS>(chunk * 8 + row, column / 8));
    }
  }
};

}  // namespace nnz
