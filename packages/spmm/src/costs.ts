import type { CostModel, KernelCost } from '@nnz/core'
import { COSTS as FITTED } from './cost-model.ts'

/** Rows that widen values of 16 bits cost what the f32 rows cost; reading them as they are saves bytes only. */
function forHalf([name, cost]: [string, KernelCost]): [string, KernelCost] {
  return [name.replace('_f32__', '_half__'), cost]
}

/** Nanoseconds for each of a kernel's features. */
export const COSTS: CostModel = { ...Object.fromEntries(Object.entries(FITTED).map(forHalf)), ...FITTED }
