import type { CostModel } from '../plan/cost-model.ts'

/** Nanoseconds for each of a kernel's features; fitted by `nnz-bench tune`. */
export const GEMM_COSTS: CostModel = {}
