import { type BackendOption, gemm, nm, type Tensor, transposed } from '@nnz/core'
import { nmGemm } from '../operations.ts'
import { mvue24 } from './mvue.ts'

/** Two of four. */
export const PATTERN_24 = Object.freeze({ n: 2, m: 4 })

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
  return nmGemm(nm.fromDense(estimate.data, estimate.shape, PATTERN_24), transposed(x), { backend })
}
