// Which element of a matrix each lane of a warp holds (PTX ISA, "Matrix fragments for mma" and "for sparse mma").
// test/fragments.test.ts compares these functions with tables that were written from the specification by themselves.
#pragma once

namespace emulator {

struct Place {
  int row, column;
};

/// mma.m16n8k16 on 16-bit types: element i of 8 of A, of 4 of B [k, n], of 4 of the accumulators.
inline Place a_16(int lane, int i) {
  return {lane / 4 + (i / 2 % 2) * 8, lane % 4 * 2 + i % 2 + (i / 4) * 8};
}
inline Place b_16(int lane, int i) { return {lane % 4 * 2 + i % 2 + (i / 2) * 8, lane / 4}; }
inline Place accumulator(int lane, int i) { return {lane / 4 + (i / 2) * 8, lane % 4 * 2 + i % 2}; }

/// mma.m16n8k32 on 8-bit types: element i of 16 of A, of 8 of B.
inline Place a_8(int lane, int i) {
  return {lane / 4 + (i / 4 % 2) * 8, lane % 4 * 4 + i % 4 + (i / 8) * 16};
}
inline Place b_8(int lane, int i) { return {lane % 4 * 4 + i % 4 + (i / 4) * 16, lane / 4}; }

// Sparse A holds the stored entries of twice as many columns in the fragment of the dense instruction; B has twice the rows.

/// mma.sp.m16n8k32 on 16-bit types: element i of 8 of B.
inline Place b_sparse_16(int lane, int i) { return b_16(lane, i); }
/// mma.sp.m16n8k64 on 8-bit types: element i of 16 of B.
inline Place b_sparse_8(int lane, int i) { return b_8(lane, i); }

/// Metadata: the lane, and the first of the four bits in its word, that name the two stored columns of a group of four.
struct MetadataPlace {
  int lane, bit;
};
/// `selector` is the sparsity selector of mma.sp.m16n8k32 on 16-bit types; 0 for m16n8k64 on 8-bit types.
inline MetadataPlace metadata(int row, int group, int selector) {
  return {row % 8 * 4 + selector * 2 + group / 4, row / 8 * 16 + group % 4 * 4};
}

}  // namespace emulator
