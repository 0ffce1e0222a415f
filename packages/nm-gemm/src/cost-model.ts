import { type CostModel, GEMM_COSTS, GEMM_I8_COSTS, type KernelCost } from '@nnz/core'
import { kernels } from './kernels/index.ts'

/**
 * Nanoseconds for each of a kernel's features: least squares over some 50 runs of 13 matrices by 1 to 256 columns on one
 * core of a Zen 4 server (32 KB of L1, 1 MB of L2), scaled so that core's dense kernels take what core says; plain JS is the
 * loop that `@nnz/spmm` was fitted with.
 */
const MEASURED: CostModel = {
  nmGemm_nm_f32__wasm_relaxed_rows: { run: [3088, 0.1236, 0.2647, 0.4884, 2.43, 0.7254, 0], pack: [9.266, 0] },
  nmGemm_nm_f32__wasm_relaxed_pairs: { run: [2195, 0.1191, 0.2037, 0.2098, 3.615, 0.9776, 0], pack: [47.54, 0] },
  nmGemm_nmg_f32__wasm_relaxed_pairs: { run: [3041, 0.1023, 0.1933, 0.342, 1.936, 0.6754, 0], pack: [14.04, 0] },
  nmGemmTransposed_nm_f32__wasm_relaxed_rows: { run: [1587, 0.1294, 0.2335, 0, 3.949, 2.203, 0], pack: [80, 0] },
  nmGemmTransposed_nm_f32__wasm_relaxed_pairs: { run: [1768, 0.1081, 0.1861, 0, 2.407, 0.6052, 0], pack: [120, 0] },
  nmGemm_nm_f32__wasm_relaxed_swizzle: { run: [3536, 0.1088, 1.52, 0.2843], pack: [15.81, 0] },
  nmGemm_nm_f32__wasm_relaxed_gather: { run: [3036, 0.3048, 1.575, 0], pack: [20.41, 0] },
  nmGemm_nmg_f32__wasm_relaxed_swizzle: { run: [1433, 0.1087, 1.751, 1.324], pack: [11.04, 0] },
  nmGemm_nmg_f32__wasm_relaxed_gather: { run: [2469, 0.304, 1.806, 0.256], pack: [18.46, 0] },
  nmGemmTransposed_nm_f32__wasm_relaxed_scatter: { run: [8635, 0.2772, 0.7587, 0, 0], pack: [9.619, 0] },
  nmGemmTransposed_nmg_f32__wasm_relaxed_scatter: { run: [8844, 0.2392, 0.8146, 0, 0.1545], pack: [6.675, 0] },
  nmGemm_nm_f32__wasm_simd_rows: { run: [1832, 0.1651, 0.2934, 0.5941, 3.294, 0.988, 0], pack: [9.388, 0] },
  nmGemm_nm_f32__wasm_simd_pairs: { run: [2127, 0.153, 0.2503, 0.5582, 2.919, 1.483, 0], pack: [34.06, 480.9] },
  nmGemm_nmg_f32__wasm_simd_pairs: { run: [2140, 0.1441, 0.2217, 0, 2.6, 1.32, 0], pack: [11.31, 91.39] },
  nmGemmTransposed_nm_f32__wasm_simd_rows: { run: [1541, 0.1558, 0.2789, 0.3412, 3.924, 3.085, 0], pack: [80, 0] },
  nmGemmTransposed_nm_f32__wasm_simd_pairs: { run: [1240, 0.1384, 0.2207, 0, 3.134, 1.623, 0], pack: [120, 0] },
  nmGemm_nm_f32__wasm_simd_swizzle: { run: [1892, 0.1896, 3.012, 1.262], pack: [14.12, 0] },
  nmGemm_nm_f32__wasm_simd_gather: { run: [3062, 0.3285, 1.728, 0.09629], pack: [18.65, 0] },
  nmGemm_nmg_f32__wasm_simd_swizzle: { run: [1342, 0.1922, 2.074, 0.9416], pack: [11.23, 0] },
  nmGemm_nmg_f32__wasm_simd_gather: { run: [3204, 0.3283, 1.577, 0.03898], pack: [17.24, 7.893] },
  nmGemmTransposed_nm_f32__wasm_simd_scatter: { run: [9197, 0.268, 0.8079, 0, 0.1758], pack: [8.888, 0] },
  nmGemmTransposed_nmg_f32__wasm_simd_scatter: { run: [8922, 0.2683, 0.8058, 0, 0.1684], pack: [6.528, 8.424] },
  nmGemm_nm_f32__js_panels: { run: [1311, 0.2628, 1.222, 2.064, 0.618], pack: [12] },
  nmGemm_nmg_f32__js_panels: { run: [1311, 0.2628, 1.222, 2.064, 0.618], pack: [12] },
  nmGemmTransposed_nm_f32__js_panels: { run: [1311, 0.2628, 1.222, 2.064, 0.618], pack: [40] },
  nmGemmTransposed_nmg_f32__js_panels: { run: [1311, 0.2628, 1.222, 2.064, 0.618], pack: [40] },
  nmGemm_nm_half__wasm_relaxed_swizzle: { run: [2658, 0.1464, 1.308, 0.6981], pack: [14.2, 0] },
  nmGemm_nmg_half__wasm_relaxed_swizzle: { run: [2658, 0.1519, 0.5594, 0], pack: [12.2, 0] },
  nmGemm_nm_i8__wasm_relaxed_quads: { run: [0, 0.509, 6.658, 8.78], pack: [11.01, 0] },
  nmGemm_nmg_i8__wasm_relaxed_quads: { run: [0, 0.4938, 6.81, 9.117], pack: [8.411, 0] },
  nmGemm_nm_i8__wasm_relaxed_swizzle: { run: [1685, 0.05133, 1.12, 1.06], pack: [16.46, 0] },
  nmGemm_nmg_i8__wasm_relaxed_swizzle: { run: [1560, 0.0504, 1.409, 0.9589], pack: [11.81, 0] },
  nmGemm_nm_half__wasm_simd_swizzle: { run: [3361, 0.2141, 2.193, 0.5846], pack: [16.18, 0] },
  nmGemm_nmg_half__wasm_simd_swizzle: { run: [10460, 0.1902, 6.111, 0], pack: [15.83, 0] },
  nmGemm_nm_i8__wasm_simd_quads: { run: [0, 0.7894, 4.877, 9.435], pack: [11.14, 0] },
  nmGemm_nmg_i8__wasm_simd_quads: { run: [0, 0.8032, 4.112, 8.597], pack: [8.23, 0] },
  nmGemm_nm_i8__wasm_simd_swizzle: { run: [2703, 0.08693, 1.171, 0.2102], pack: [15.25, 0] },
  nmGemm_nmg_i8__wasm_simd_swizzle: { run: [6364, 0.07592, 2.565, 0], pack: [11.34, 0] },
}

/**
 * What a row costs: as measured; for values of 16 bits that are widened while packing, and i8 in plain JS, what its f32 form
 * costs; for a dense one what core says.
 */
function costOf(name: string): KernelCost {
  const plain = name.replace('_half__', '_f32__')
  const dense = plain.replace(/^nmGemm(Transposed)?_nmg?_/, 'gemm_').replace(/_dense$/, '')
  return (
    MEASURED[name] ??
    MEASURED[plain] ??
    GEMM_COSTS[dense] ??
    GEMM_I8_COSTS[dense] ??
    MEASURED[plain.replace('_i8__js', '_f32__js')]
  )
}

/** Nanoseconds for each of a kernel's features; `nnz-bench tune` fits them to another machine. */
export const COSTS: CostModel = Object.fromEntries(kernels.map(({ name }) => [name, costOf(name)]))
