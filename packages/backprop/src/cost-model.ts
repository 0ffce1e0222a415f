import type { CostModel } from '@nnz/core'

/** Nanoseconds for each feature of a kernel, see `runFeatures` and `packFeatures`; fitted to measurements. */
export const COSTS: CostModel = {
  sddmm_csr_f32__js_dots: { run: [2000, 0.5, 2, 2], pack: [10] },
  sddmm_bsr_f32__js_dots: { run: [2000, 0.5, 2, 2], pack: [10] },
  sparseSoftmax_csr_f32__js_rows: { run: [500, 12, 10], pack: [] },
  sparseSoftmaxBackward_csr_f32__js_rows: { run: [500, 3, 5], pack: [] },
}
