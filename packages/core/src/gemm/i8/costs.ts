import type { CostModel } from '../../plan/cost-model.ts'

/** Nanoseconds for each of a kernel's features. */
export const GEMM_I8_COSTS: CostModel = {
  gemm_i8__wasm_relaxed_tiles: { run: [5000, 0.0178, 1.4, 0.4, 0.2], pack: [1.5] },
  gemm_i8__wasm_simd_tiles: { run: [5000, 0.0245, 1.4, 0.4, 0.2], pack: [1.5] },
  gemm_i8__js_rows: { run: [4000, 0.9, 6], pack: [0.1] },
}
