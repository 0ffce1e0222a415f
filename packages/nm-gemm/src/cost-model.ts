import type { CostModel } from '@nnz/core'

/** Nanoseconds for each of a kernel's features. */
export const COSTS: CostModel = {}
