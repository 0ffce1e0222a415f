import type { CostModel } from '../plan/cost-model.ts'

/** Nanoseconds for each of a kernel's features; fitted by `nnz-bench tune`. */
export const GEMM_COSTS: CostModel = {
  gemm_f32__wasm_relaxed_panels: { run: [4056, 0.03448, 0.07547, 1.495, 0], pack: [1.554] },
  gemm_f32__wasm_relaxed_tokens: { run: [5142, 0.04014, 0, 0], pack: [1.328] },
  gemm_f32__wasm_relaxed_gemv: { run: [2813, 0.07494, 0], pack: [1.349] },
  gemm_f32__js_panels: { run: [3792, 0.3672, 0], pack: [17.03] },
  gemm_f32__wasm_simd_panels: { run: [3853, 0.04265, 0.09668, 1.487, 0], pack: [1.653] },
  gemm_f32__wasm_simd_tokens: { run: [3832, 0.03385, 3.562, 0], pack: [1.278] },
  gemm_f32__wasm_simd_gemv: { run: [3349, 0.08413, 0], pack: [1.413] },
}
