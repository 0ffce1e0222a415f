import type { CostModel } from '../plan/cost-model.ts'

/** Nanoseconds for each of a kernel's features; fitted by `nnz-bench tune`. */
export const GEMM_COSTS: CostModel = {
  gemm_f32__wasm_relaxed_panels: { run: [3714, 0.03305, 0.08469, 1.885, 0], pack: [1.255] },
  gemm_f32__wasm_relaxed_tokens: { run: [5327, 0.03791, 0, 0.0043], pack: [1.025] },
  gemm_f32__wasm_relaxed_gemv: { run: [2616, 0.02627, 30.8], pack: [1.357] },
  gemm_f32__js_panels: { run: [764.6, 3.34, 12.86], pack: [1.984] },
  gemm_f32__wasm_simd_panels: { run: [3850, 0.04131, 0.1042, 1.875, 0], pack: [1.411] },
  gemm_f32__wasm_simd_tokens: { run: [5926, 0.03345, 3.286, 0.1386], pack: [1.02] },
  gemm_f32__wasm_simd_gemv: { run: [4319, 0.06835, 0], pack: [1.161] },
}
