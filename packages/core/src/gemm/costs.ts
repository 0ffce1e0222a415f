import type { CostModel } from '../plan/cost-model.ts'

/** Nanoseconds for each of a kernel's features; fitted by `nnz-bench tune`. */
export const GEMM_COSTS: CostModel = {
  gemm_f32__wasm_relaxed_panels: { run: [3885, 0.03454, 0.07486, 2.061, 0.02609], pack: [1.519] },
  gemm_f32__wasm_relaxed_tokens: { run: [4757, 0.03917, 0, 0], pack: [1.177] },
  gemm_f32__wasm_relaxed_gemv: { run: [2363, 0.07516, 0], pack: [1.213] },
  gemm_f32__js_panels: { run: [3438, 0.27, 2], pack: [2.368] },
  gemm_f32__wasm_simd_panels: { run: [2936, 0.0433, 0.09756, 1.763, 0], pack: [1.839] },
  gemm_f32__wasm_simd_tokens: { run: [3644, 0.03325, 4.049, 0], pack: [1.214] },
  gemm_f32__wasm_simd_gemv: { run: [2551, 0.08014, 0], pack: [1.256] },
}
