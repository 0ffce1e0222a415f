// Tensor-core instructions, one function each (PTX ISA 8.7: mma.sync, mma.sp::ordered_metadata, ldmatrix).
//
// Fragments are registers of 32 bits as the instruction takes them. A is row-major [16, depth], B column-major
// [depth, 8]; accumulators are [16, 8], lane l holding rows l/4 and l/4 + 8, columns 2 (l % 4) and the next.
#pragma once
#include "numbers.h"

#if !defined(__CUDACC__)
namespace emulator {
template <class C>
C as_number(nnz::f16 x) {
  return nnz::to_f32(x);
}
template <class C>
C as_number(nnz::bf16 x) {
  return nnz::to_f32(x);
}
template <class C>
C as_number(int8_t x) {
  return x;
}
}  // namespace emulator
#include "tensor_cores.h"
#endif

namespace nnz {

#if defined(__CUDACC__)

#define NNZ_MMA_DENSE(SHAPE_TYPES, ACCUMULATOR, CONSTRAINT)                                              \
  asm volatile("mma.sync.aligned." SHAPE_TYPES                                                            \
               " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\n"                       \
               : CONSTRAINT(c[0]), CONSTRAINT(c[1]), CONSTRAINT(c[2]), CONSTRAINT(c[3])                   \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))

#define NNZ_MMA_SPARSE(SHAPE_TYPES, CONSTRAINT)                                                           \
  asm volatile("mma.sp::ordered_metadata.sync.aligned." SHAPE_TYPES                                       \
               " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9, %10, %11}, {%0, %1, %2, %3}, %12, 0x0;\n"   \
               : CONSTRAINT(c[0]), CONSTRAINT(c[1]), CONSTRAINT(c[2]), CONSTRAINT(c[3])                   \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(b[2]), "r"(b[3]),  \
                 "r"(metadata))

#endif

/// Depth (columns of A) of one instruction on elements of type T; a sparse one covers twice as many.
template <class T>
constexpr int mma_depth = 32 / sizeof(T);
template <>
constexpr int mma_depth<float> = 0;

template <class T>
struct Accumulator {
  using type = float;
};
template <>
struct Accumulator<int8_t> {
  using type = int32_t;
};

/// c += a · b for a tile of 16 x 8.
template <class T>
NNZ_DEVICE void mma(typename Accumulator<T>::type (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);

#if defined(__CUDACC__)
template <>
NNZ_DEVICE void mma<f16>(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  NNZ_MMA_DENSE("m16n8k16.row.col.f32.f16.f16.f32", float, "+f");
}
template <>
NNZ_DEVICE void mma<bf16>(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  NNZ_MMA_DENSE("m16n8k16.row.col.f32.bf16.bf16.f32", float, "+f");
}
template <>
NNZ_DEVICE void mma<int8_t>(int32_t (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  NNZ_MMA_DENSE("m16n8k32.row.col.s32.s8.s8.s32", int, "+r");
}
#else
template <class T>
inline void mma(typename Accumulator<T>::type (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  emulator::mma<T, typename Accumulator<T>::type, mma_depth<T>, false>(c, a, b, 0, 0);
}
#endif

/// c += a · b where `a` holds the two stored entries of every four columns, named by `metadata` (sparsity selector 0).
template <class T>
NNZ_DEVICE void mma_sparse(typename Accumulator<T>::type (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[4],
                           uint32_t metadata);

#if defined(__CUDACC__)
template <>
NNZ_DEVICE void mma_sparse<f16>(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[4], uint32_t metadata) {
  NNZ_MMA_SPARSE("m16n8k32.row.col.f32.f16.f16.f32", "+f");
}
template <>
NNZ_DEVICE void mma_sparse<bf16>(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[4], uint32_t metadata) {
  NNZ_MMA_SPARSE("m16n8k32.row.col.f32.bf16.bf16.f32", "+f");
}
template <>
NNZ_DEVICE void mma_sparse<int8_t>(int32_t (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[4],
                                   uint32_t metadata) {
  NNZ_MMA_SPARSE("m16n8k64.row.col.s32.s8.s8.s32", "+r");
}
#else
template <class T>
inline void mma_sparse(typename Accumulator<T>::type (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[4],
                       uint32_t metadata) {
  emulator::mma<T, typename Accumulator<T>::type, 2 * mma_depth<T>, true>(c, a, b, metadata, 0);
}
#endif

/// Four 8 x 8 matrices of 16-bit elements from shared memory: lane l gives the address of row l % 8 of matrix l / 8.
NNZ_DEVICE void load_matrices(uint32_t (&out)[4], const void* row) {
#if defined(__CUDACC__)
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(row)))
               : "memory");
#else
  emulator::load_matrices(out, row, false);
#endif
}

/// As load_matrices, each of the four transposed.
NNZ_DEVICE void load_matrices_transposed(uint32_t (&out)[4], const void* row) {
#if defined(__CUDACC__)
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(row)))
               : "memory");
#else
  emulator::load_matrices(out, row, true);
#endif
}

}  // namespace nnz
