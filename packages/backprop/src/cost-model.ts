import type { CostModel } from '@nnz/core'

/** Nanoseconds for each feature of a kernel, see `runFeatures` and `packFeatures`; fitted to measurements. */
export const COSTS: CostModel = {
  sddmm_csr_f32__wasm_relaxed_dots: { run: [3000, 0.19, 0.3, 0.2, 0.5, 0.6, 0.05], pack: [8, 100] },
  sddmm_csr_f32__wasm_simd_dots: { run: [3000, 0.25, 0.3, 0.25, 0.5, 0.6, 0.05], pack: [8, 100] },
  sddmm_bsr_f32__wasm_relaxed_tiles: { run: [3000, 1.2, 12, 20, 0.6], pack: [2] },
  sddmm_bsr_f32__wasm_simd_tiles: { run: [3000, 1.7, 12, 20, 0.6], pack: [2] },
  sddmm_csr_f32__wasm_relaxed_strips_dense: { run: [6000, 0.0365, 0.2, 0.7, 1], pack: [1] },
  sddmm_csr_f32__wasm_simd_strips_dense: { run: [6000, 0.043, 0.2, 0.7, 1], pack: [1] },
  sddmm_bsr_f32__wasm_relaxed_strips_dense: { run: [6000, 0.0365, 0.2, 0.7, 1], pack: [1] },
  sddmm_bsr_f32__wasm_simd_strips_dense: { run: [6000, 0.043, 0.2, 0.7, 1], pack: [1] },
  sddmm_csr_f32__js_dots: { run: [2000, 0.5, 2, 2], pack: [10] },
  sddmm_bsr_f32__js_dots: { run: [2000, 0.5, 2, 2], pack: [10] },
  sparseSoftmax_csr_f32__wasm_relaxed_rows: { run: [1500, 1.2, 12], pack: [1] },
  sparseSoftmax_csr_f32__wasm_simd_rows: { run: [1500, 1.5, 12], pack: [1] },
  sparseSoftmax_csr_f32__js_rows: { run: [500, 12, 10], pack: [] },
  sparseSoftmaxBackward_csr_f32__wasm_relaxed_rows: { run: [1500, 0.6, 8], pack: [1] },
  sparseSoftmaxBackward_csr_f32__wasm_simd_rows: { run: [1500, 0.7, 8], pack: [1] },
  sparseSoftmaxBackward_csr_f32__js_rows: { run: [500, 3, 5], pack: [] },
}
