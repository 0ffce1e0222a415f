import type { CostModel } from '@nnz/core'

/** Nanoseconds for each of a kernel's features; fitted by `nnz-bench tune`. */
export const COSTS: CostModel = {
  spmm_csr_f32__wasm_relaxed_panels: { run: [1924, 0.1607, 0.1624, 0.0399, 2.083, 0.7617, 0], pack: [7.963, 46.32] },
  spmm_bsr_f32__wasm_relaxed_panels: { run: [3385, 0.1572, 0.1622, 0.06962, 2.042, 0.4393, 0], pack: [12.16, 64.5] },
  spmm_csr_f32__wasm_relaxed_sell: { run: [2726, 0.3204, 0.6336, 0], pack: [20.5, 172.7] },
  spmm_bsr_f32__wasm_relaxed_sell: { run: [2806, 0.3034, 0.8859, 0.007213], pack: [22.74, 108.4] },
  spmm_csr_f32__js_panels: { run: [852.3, 0.3126, 1.762, 0.8623, 1.105], pack: [0.6889] },
  spmm_bsr_f32__js_panels: { run: [570.6, 0.3182, 1.454, 0.92, 1.147], pack: [5.461] },
  spmm_csr_f32__wasm_relaxed_panels_dense: { run: [3714, 0.03305, 0.08469, 1.885, 0], pack: [1.255] },
  spmm_bsr_f32__wasm_relaxed_panels_dense: { run: [4089, 0.03348, 0.08312, 1.496, 0], pack: [1.345] },
  spmm_csr_f32__wasm_relaxed_tokens_dense: { run: [5327, 0.03791, 0, 0.0043], pack: [1.025] },
  spmm_bsr_f32__wasm_relaxed_tokens_dense: { run: [5314, 0.03816, 0, 0], pack: [1.078] },
  spmm_csr_f32__wasm_relaxed_gemv_dense: { run: [2616, 0.02627, 30.8], pack: [1.357] },
  spmm_bsr_f32__wasm_relaxed_gemv_dense: { run: [1702, 0, 53.02], pack: [1.388] },
  spmm_csr_f32__js_panels_dense: { run: [764.6, 3.34, 12.86], pack: [1.984] },
  spmm_bsr_f32__js_panels_dense: { run: [1997, 3.321, 14.29], pack: [2.212] },
  spmm_csr_f32__wasm_simd_panels: { run: [1949, 0.2064, 0.1214, 0, 2.845, 0.6715, 0], pack: [8.256, 51.8] },
  spmm_bsr_f32__wasm_simd_panels: {
    run: [3181, 0.1968, 0.1421, 0.05213, 1.867, 0.4026, 0.01993],
    pack: [11.91, 76.62],
  },
  spmm_csr_f32__wasm_simd_sell: { run: [3205, 0.3331, 0, 0.06726], pack: [22.2, 254.7] },
  spmm_bsr_f32__wasm_simd_sell: { run: [3382, 0.3031, 0.9275, 0.05612], pack: [20.23, 188] },
  spmm_csr_f32__wasm_simd_panels_dense: { run: [3850, 0.04131, 0.1042, 1.875, 0], pack: [1.411] },
  spmm_bsr_f32__wasm_simd_panels_dense: { run: [3770, 0.04063, 0.1071, 1.915, 0.2181], pack: [1.348] },
  spmm_csr_f32__wasm_simd_tokens_dense: { run: [5926, 0.03345, 3.286, 0.1386], pack: [1.02] },
  spmm_bsr_f32__wasm_simd_tokens_dense: { run: [5079, 0.03541, 2.632, 0.2973], pack: [1.197] },
  spmm_csr_f32__wasm_simd_gemv_dense: { run: [4319, 0.06835, 0], pack: [1.161] },
  spmm_bsr_f32__wasm_simd_gemv_dense: { run: [4380, 0.06941, 0], pack: [1.302] },
}
