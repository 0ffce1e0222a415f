import type { CostModel } from '@nnz/core'

/** Nanoseconds for each of a kernel's features; fitted by `nnz-bench tune`. */
export const COSTS: CostModel = {}
