import type { CostModel } from '@nnz/core'

/**
 * Nanoseconds for each feature of a kernel, see `runFeatures` and `packFeatures`; those of `sddmm` were fitted by `nnz-bench tune`
 * on one core of a Zen 4 server, those of the softmax are estimates: it has one kernel for each backend.
 */
export const COSTS: CostModel = {
  sddmm_csr_f32__wasm_relaxed_dots: { run: [7694, 0.1756, 0.3701, 0.4095, 2.84, 0.2459, 0], pack: [3.86, 152.2] },
  sddmm_csr_f32__wasm_simd_dots: { run: [7888, 0.2372, 0.3418, 0.3978, 3.418, 0.05835, 0], pack: [4.151, 122.4] },
  sddmm_bsr_f32__wasm_relaxed_tiles: { run: [9147, 1.175, 4.355, 8.29, 0.2109], pack: [6.324] },
  sddmm_bsr_f32__wasm_simd_tiles: { run: [8952, 1.521, 4.402, 8.026, 0.062], pack: [6.54] },
  sddmm_csr_f32__wasm_relaxed_strips_dense: { run: [8569, 0.02954, 0.2135, 2.118, 0.7019], pack: [4.529] },
  sddmm_csr_f32__wasm_simd_strips_dense: { run: [7767, 0.04015, 0.2574, 2.116, 0.4606], pack: [4.389] },
  sddmm_bsr_f32__wasm_relaxed_strips_dense: { run: [7336, 0.03148, 0.2044, 1.225, 0.427], pack: [0.01855] },
  sddmm_bsr_f32__wasm_simd_strips_dense: { run: [8238, 0.04149, 0.2416, 1.159, 0.1591], pack: [0.01649] },
  sddmm_csr_f32__js_dots: { run: [4093, 0.9799, 8.288, 8.059], pack: [17.76] },
  sddmm_bsr_f32__js_dots: { run: [4329, 0.9903, 8.192, 7.936], pack: [8.871] },
  sparseSoftmax_csr_f32__wasm_relaxed_rows: { run: [1500, 1.2, 12], pack: [1] },
  sparseSoftmax_csr_f32__wasm_simd_rows: { run: [1500, 1.5, 12], pack: [1] },
  sparseSoftmax_csr_f32__js_rows: { run: [500, 12, 10], pack: [] },
  sparseSoftmaxBackward_csr_f32__wasm_relaxed_rows: { run: [1500, 0.6, 8], pack: [1] },
  sparseSoftmaxBackward_csr_f32__wasm_simd_rows: { run: [1500, 0.7, 8], pack: [1] },
  sparseSoftmaxBackward_csr_f32__js_rows: { run: [500, 3, 5], pack: [] },
}
