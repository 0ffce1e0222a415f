// One tensor-core instruction on registers that the caller fills, lane by lane: the first thing to check on a new device,
// and the emulator's fragment layouts, are checked by it (test/kernels/fragments.test.ts).
#pragma once
#include "../common/registry.h"

namespace nnz {

struct Fragments {
  const uint32_t* a;         // [32 lanes, 4]
  const uint32_t* b;         // [32 lanes, 2], or 4 for sparse instructions
  const uint32_t* metadata;  // [32 lanes]; read for sparse instructions
  void* c;                   // [32 lanes, 4] f32 or i32: read, and written with the result
  int64_t type;              // 0 f16, 1 bf16, 2 i8
  int64_t sparse;            // 1 for mma.sp

  static constexpr const char* name = "check_fragments";
  static constexpr const char* fields = "p:a p:b p:metadata p:c i:type i:sparse";
};
cudaError_t launch_fragments(const Fragments& arguments, cudaStream_t stream);

/// ldmatrix.x4 of a matrix [32, 8] of 16-bit elements: out [32 lanes, 4 registers].
struct LoadedMatrices {
  const uint16_t* matrices;
  uint32_t* out;
  int64_t transposed;

  static constexpr const char* name = "check_load_matrices";
  static constexpr const char* fields = "p:matrices p:out i:transposed";
};
cudaError_t launch_loaded_matrices(const LoadedMatrices& arguments, cudaStream_t stream);

}  // namespace nnz
