import {
  type CallOptions,
  type DevicePlanOptions,
  expectMatrix,
  expectOptions,
  isDevicePlan,
  type PlanOptions,
  type Tensor,
} from '@nnz/core'
import { COSTS } from './costs.ts'
import { kernels } from './kernels/index.ts'
import { SpmmDevicePlan, SpmmPlan } from './plan.ts'
import { type AnyWeights, expectWeights, type SpmmProblem } from './problem.ts'

function run(w: AnyWeights, x: Tensor, options: CallOptions = {}): Tensor {
  const weights = expectWeights(w, 'spmm')
  expectOptions(options, 'spmm')
  const [, columns] = expectMatrix(x, 'spmm: x').shape
  const once = new SpmmPlan('spmm', weights, { ...options, columns }, 1)
  try {
    return once.run(x, { out: options.out, residual: options.residual })
  } finally {
    once.dispose()
  }
}

function plan(w: AnyWeights, options: DevicePlanOptions): SpmmDevicePlan
function plan(w: AnyWeights, options: PlanOptions): SpmmPlan
function plan(w: AnyWeights, options: PlanOptions | DevicePlanOptions): SpmmPlan | SpmmDevicePlan {
  const weights = expectWeights(w, 'spmm.plan')
  return isDevicePlan(options) ? new SpmmDevicePlan('spmm', weights, options) : new SpmmPlan('spmm', weights, options)
}

/** For each kernel of the table: `true` if it supports the problem, else the reason why not. */
export function supports(problem: SpmmProblem): Record<string, true | string> {
  return Object.fromEntries(kernels.map((kernel) => [kernel.name, kernel.supports(problem)]))
}

/**
 * Sparse weights times dense activations: y = activation(w·x + bias + residual).
 *
 * - `spmm(w, x, options)`: w a csr or bsr [M, K], x a tensor [K, N] with any strides, returns y [M, N]. Packs w at each
 *   call: for weights used more than once, plan.
 * - `spmm.plan(w, { columns, … })` packs once; see {@link SpmmPlan}.
 *   With a device as its `backend` the plan runs there: see {@link SpmmDevicePlan}.
 * - `spmm.kernels` are the rows of the table of kernels, `spmm.supports(problem)` says which of them can run a problem;
 *   with `spmm.costs`, their cost model, they can be candidates for weights of other packages.
 *
 * Implicit zeros never multiply: an infinite or NaN x reaches only the rows that store an entry for it, unless dispatch
 * takes a dense kernel (`strictNonFinite` keeps those out). With i8 values it makes its whole column of y NaN, as x is
 * quantised column by column.
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit
 */
export const spmm = Object.assign(run, { plan, kernels, costs: COSTS, supports })
