import { type DevicePlanOptions, expectMatrix, expectOptions, isDevicePlan, type Tensor } from '@nnz/core'
import { COSTS } from './cost-model.ts'
import { kernels } from './kernels/index.ts'
import { type CallOptions, NmDevicePlan, NmPlan, type PlanOptions } from './plan.ts'
import { type AnyNmWeights, expectWeights, type NmOperation, type NmProblem } from './problem.ts'

function callOnce(operation: NmOperation, w: AnyNmWeights, x: Tensor, options: CallOptions): Tensor {
  const weights = expectWeights(w, operation)
  expectOptions(options, operation)
  const [rows, columns] = expectMatrix(x, `${operation}: ${operation === 'nmGemmTransposed' ? 'dy' : 'x'}`).shape
  const once = new NmPlan(operation, weights, { ...options, columns: operation === 'nmLinear' ? rows : columns }, 1)
  try {
    return once.run(x, { out: options.out, residual: options.residual })
  } finally {
    once.dispose()
  }
}

/** Plans on the host, or on the device that is the backend. */
interface Planner {
  (w: AnyNmWeights, options: DevicePlanOptions): NmDevicePlan
  (w: AnyNmWeights, options: PlanOptions): NmPlan
}

function planner(operation: NmOperation): Planner {
  function plan(w: AnyNmWeights, options: DevicePlanOptions): NmDevicePlan
  function plan(w: AnyNmWeights, options: PlanOptions): NmPlan
  function plan(w: AnyNmWeights, options: PlanOptions | DevicePlanOptions): NmPlan | NmDevicePlan {
    const weights = expectWeights(w, `${operation}.plan`)
    return isDevicePlan(options)
      ? new NmDevicePlan(operation, weights, options)
      : new NmPlan(operation, weights, options)
  }
  return plan
}

/** For each kernel of the table: `true` if it supports the problem, else the reason why not. */
export function supports(problem: NmProblem): Record<string, true | string> {
  return Object.fromEntries(kernels.map((kernel) => [kernel.name, kernel.supports(problem)]))
}

/**
 * N:M weights times dense activations: y = activation(w·x + bias + residual).
 *
 * - `nmGemm(w, x, options)`: w an nm or nmg [M, K], x a tensor [K, N] with any strides, returns y [M, N]. Packs w at each
 *   call: for weights used more than once, plan.
 * - `nmGemm.plan(w, { columns, … })` packs once; see {@link NmPlan}.
 * - `nmGemm.kernels` are the rows of the table of kernels, `nmGemm.supports(problem)` says which of them can run a
 *   problem.
 *
 * Implicit zeros never multiply: an infinite or NaN x reaches only the rows that store an entry for it, unless dispatch
 * takes a dense kernel (`strictNonFinite` keeps those out). With i8 values it makes its whole column of y NaN, as x is
 * quantised column by column.
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit
 */
export const nmGemm = Object.assign(
  (w: AnyNmWeights, x: Tensor, options: CallOptions = {}): Tensor => callOnce('nmGemm', w, x, options),
  { plan: planner('nmGemm'), kernels, costs: COSTS, supports },
)

/**
 * A linear layer with N:M weights, token-major as transformers hold activations: y = activation(x·wᵀ + bias + residual).
 *
 * - `nmLinear(x, w, options)`: x [tokens, K], w an nm or nmg [M, K], returns y [tokens, M].
 * - `nmLinear.plan(w, { columns, … })`: `columns` is the most tokens of a run; see {@link NmPlan}.
 *
 * Throws what {@link nmGemm} throws.
 */
export const nmLinear = Object.assign(
  (x: Tensor, w: AnyNmWeights, options: CallOptions = {}): Tensor => callOnce('nmLinear', w, x, options),
  { plan: planner('nmLinear'), kernels, costs: COSTS, supports },
)

/**
 * The transposed product wᵀ·dy, what a backward pass needs: dx = activation(wᵀ·dy + bias + residual).
 *
 * - `nmGemmTransposed(w, dy, options)`: w an nm or nmg [M, K], dy [M, N], returns [K, N].
 * - `nmGemmTransposed.plan(w, { columns, … })`; `updateValues` takes values in the order of w, as everywhere.
 *
 * Where w is N:M along its columns, too (see `transposableMask24` of `@nnz/nm-gemm/training`), the transposed matrix is
 * packed in the same form and as fast. Any other mask runs through the packed rows of w, which a plan of
 * {@link nmGemm} for the same w shares, adding to rows of dx.
 *
 * Throws what {@link nmGemm} throws.
 */
export const nmGemmTransposed = Object.assign(
  (w: AnyNmWeights, dy: Tensor, options: CallOptions = {}): Tensor => callOnce('nmGemmTransposed', w, dy, options),
  { plan: planner('nmGemmTransposed'), kernels, costs: COSTS, supports },
)
