import { type CostModel, GEMM_I8_COSTS, type KernelCost } from '@nnz/core'
import { COSTS as FITTED } from './cost-model.ts'

/** Rows that widen values of 16 bits cost what the f32 rows cost; reading them as they are saves bytes only. */
function forHalf([name, cost]: [string, KernelCost]): [string, KernelCost] {
  return [name.replace('_f32__', '_half__'), cost]
}

/** Dense i8 kernels cost what they cost in core. */
function asDense(layout: 'csr' | 'bsr'): CostModel {
  const rows = Object.entries(GEMM_I8_COSTS)
  return Object.fromEntries(rows.map(([name, cost]) => [`${name.replace('gemm_', `spmm_${layout}_`)}_dense`, cost]))
}

function asI8(layout: 'csr' | 'bsr'): CostModel {
  return {
    [`spmm_${layout}_i8__wasm_relaxed_quads`]: { run: [4000, 0.62, 8, 14], pack: [20, 200] },
    [`spmm_${layout}_i8__wasm_simd_quads`]: { run: [4000, 0.85, 8, 14], pack: [20, 200] },
    [`spmm_${layout}_i8__wasm_relaxed_fours`]: { run: [4000, 0.09, 2, 3], pack: [20, 200] },
    [`spmm_${layout}_i8__wasm_simd_fours`]: { run: [4000, 0.11, 2, 3], pack: [20, 200] },
    [`spmm_${layout}_i8__js_panels`]: FITTED[`spmm_${layout}_f32__js_panels`],
    ...asDense(layout),
  }
}

/** Nanoseconds for each of a kernel's features. */
export const COSTS: CostModel = {
  ...Object.fromEntries(Object.entries(FITTED).map(forHalf)),
  ...asI8('csr'),
  ...asI8('bsr'),
  ...FITTED,
}
