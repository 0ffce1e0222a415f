import { type BackendOption, gemm, type Tensor, transposed } from '@nnz/core'
import { nmGemm } from '../operations.ts'
import { mvue24 } from './mvue.ts'
import { pack24 } from './pack24.ts'

/** How the gradient of weights is computed. */
export interface WeightGradientOptions {
  /**
   * Makes dW a 2:4 product, too: of the unbiased estimate `mvue24` of dY along the tokens, drawn with these numbers in
   * [0, 1). Without it dW is computed from dY itself, densely.
   */
  random?: (() => number) | undefined
  backend?: BackendOption | undefined
}

/** dY·xᵀ, or an unbiased estimate of it. */
export function weightGradient(dY: Tensor, x: Tensor, { random, backend }: WeightGradientOptions): Tensor {
  if (random === undefined) return gemm(dY, transposed(x), { backend })
  const estimate = mvue24(dY, random)
  return nmGemm(pack24(estimate.data, estimate.shape), transposed(x), { backend })
}
