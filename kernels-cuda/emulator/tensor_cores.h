// mma.sync, mma.sp and ldmatrix: the last lane of the warp that arrives computes the whole tile from the fragments.
#pragma once
#include <cstdint>
#include <cstring>

#include "execution.h"
#include "fragments.h"

namespace emulator {

/// Operands of one lane; `T` is the element type, `C` that of the accumulators.
template <class T, class C, int A, int B>
struct MmaLane {
  T a[A];
  T b[B];
  C c[4];
  uint32_t metadata;
  int selector;
};

/// D = A · B + C for a tile of 16 x 8 with `Depth` columns of A. Products are summed in rising k, each rounded to C.
template <class T, class C, int Depth, bool Sparse>
void mma(C* c, const void* a, const void* b, uint32_t metadata_word, int selector) {
  constexpr bool bytes = sizeof(T) == 1;
  constexpr int A = 16 * (Sparse ? Depth / 2 : Depth) / LANES, B = 8 * Depth / LANES;
  using Operands = MmaLane<T, C, A, B>;
  Operands own;
  std::memcpy(own.a, a, sizeof own.a);
  std::memcpy(own.b, b, sizeof own.b);
  std::memcpy(own.c, c, sizeof own.c);
  own.metadata = metadata_word;
  own.selector = selector;
  together(0xffffffffu, {&own, c}, [](unsigned, const Lane* lanes) {
    const auto given = [&](int lane) -> const Operands& { return *static_cast<const Operands*>(lanes[lane].in); };
    C dense[16][Depth] = {}, right[Depth][8];
    for (int lane = 0; lane < LANES; lane++) {
      for (int i = 0; i < B; i++) {
        const Place at = bytes ? b_8(lane, i) : b_16(lane, i);
        right[at.row][at.column] = as_number<C>(given(lane).b[i]);
      }
      for (int i = 0; i < A; i++) {
        Place at = bytes ? a_8(lane, i) : a_16(lane, i);
        if (Sparse) {
          const MetadataPlace where = metadata(at.row, at.column / 2, given(lane).selector);
          const uint32_t pair = given(where.lane).metadata >> where.bit;
          if ((pair & 3) == (pair >> 2 & 3)) fail("mma.sp: metadata name one column twice");
          at.column = at.column / 2 * 4 + (pair >> (at.column % 2 * 2) & 3);
        }
        dense[at.row][at.column] = as_number<C>(given(lane).a[i]);
      }
    }
    for (int lane = 0; lane < LANES; lane++)
      for (int i = 0; i < 4; i++) {
        const Place at = accumulator(lane, i);
        C sum = given(lane).c[i];
        for (int k = 0; k < Depth; k++)
          // What is not stored never multiplies: an infinity in B must not meet a zero that is not there.
          if (!Sparse || dense[at.row][k] != 0) sum += dense[at.row][k] * right[k][at.column];
        static_cast<C*>(lanes[lane].out)[i] = sum;
      }
  });
}

/// ldmatrix.x4: lane l gives the address of row l % 8 of matrix l / 8 (8 x 8, 16-bit) and gets two neighbours of each.
inline void load_matrices(uint32_t* out, const void* row, bool transposed) {
  struct Given {
    const void* row;
    bool transposed;
  } own = {row, transposed};
  together(0xffffffffu, {&own, out}, [](unsigned, const Lane* lanes) {
    const auto element = [&](int matrix, int r, int c) {
      uint16_t value;
      const auto* start = static_cast<const char*>(static_cast<const Given*>(lanes[matrix * 8 + r].in)->row);
      std::memcpy(&value, start + 2 * c, 2);
      return value;
    };
    for (int lane = 0; lane < LANES; lane++)
      for (int matrix = 0; matrix < 4; matrix++) {
        uint16_t pair[2];
        for (int i = 0; i < 2; i++) {
          const int r = lane / 4, c = lane % 4 * 2 + i;
          pair[i] = static_cast<const Given*>(lanes[lane].in)->transposed ? element(matrix, c, r) : element(matrix, r, c);
        }
        std::memcpy(static_cast<uint32_t*>(lanes[lane].out) + matrix, pair, 4);
      }
  });
}

}  // namespace emulator
