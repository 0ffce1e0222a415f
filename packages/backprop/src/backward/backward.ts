import { expectMatrix, type Tensor } from '@nnz/core'
import type { SparseWeights } from '@nnz/spmm'
import { expectLayout, expectOptions } from '../checks.ts'
import type { BackwardCallOptions, BackwardPlanOptions, Gradients } from './options.ts'
import { SpmmBackwardPlan } from './plan.ts'

function run(
  operation: 'spmmBackward' | 'linearBackward',
  w: SparseWeights,
  x: Tensor | undefined,
  dy: Tensor,
  options: BackwardCallOptions,
): Gradients {
  const weights = expectLayout(w, `${operation}: w`)
  expectOptions(options, operation)
  const columns = expectMatrix(dy, `${operation}: dy`).shape[operation === 'linearBackward' ? 0 : 1]
  const plan = new SpmmBackwardPlan(operation, weights, { ...options, columns }, 1)
  try {
    return plan.run(x, dy, options)
  } finally {
    plan.dispose()
  }
}

/**
 * Gradients of `spmm`: dX = Wᵀ·dZ, and dW = dZ·Xᵀ at the stored entries of w only, where dZ is dY through the activation.
 *
 * - `spmmBackward(w, x, dy, { activation, preActivation, needs })`: w a csr or bsr [M, K], x [K, N] and dy [M, N] with any
 *   strides. Returns `{ dx, dValues, dBias }`; dValues are in the canonical order of w's values.
 * - `spmmBackward.plan(w, { columns, … })` keeps the packed pattern, transposed too; see {@link SpmmBackwardPlan}. The same
 *   bits come out for any number of threads.
 *
 * Both gradients cost what the stored entries cost, as in SparseProp (arXiv 2302.04852), but in two passes: one that shares
 * the loads of X and scatters dX was two to three times slower at 128 columns (Zen 4, 3072x768, 90 %), and level at 32.
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit
 */
export const spmmBackward = Object.assign(
  (w: SparseWeights, x: Tensor | undefined, dy: Tensor, options: BackwardCallOptions = {}): Gradients =>
    run('spmmBackward', w, x, dy, options),
  { plan: (w: SparseWeights, options: BackwardPlanOptions) => new SpmmBackwardPlan('spmmBackward', w, options) },
)

/**
 * Gradients of `linear`, token-major: x [tokens, K], dy and `preActivation` [tokens, M], dx [tokens, K]. Otherwise as
 * {@link spmmBackward}.
 */
export const linearBackward = Object.assign(
  (x: Tensor | undefined, w: SparseWeights, dy: Tensor, options: BackwardCallOptions = {}): Gradients =>
    run('linearBackward', w, x, dy, options),
  { plan: (w: SparseWeights, options: BackwardPlanOptions) => new SpmmBackwardPlan('linearBackward', w, options) },
)
