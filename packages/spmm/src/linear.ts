import {
  type CallOptions,
  type DevicePlanOptions,
  expectMatrix,
  expectOptions,
  isDevicePlan,
  type PlanOptions,
  type Tensor,
} from '@nnz/core'
import { kernels } from './kernels/index.ts'
import { SpmmDevicePlan, SpmmPlan } from './plan.ts'
import { type AnyWeights, expectWeights } from './problem.ts'
import { supports } from './spmm.ts'

function run(x: Tensor, w: AnyWeights, options: CallOptions = {}): Tensor {
  const weights = expectWeights(w, 'linear')
  expectOptions(options, 'linear')
  const [columns] = expectMatrix(x, 'linear: x').shape
  const once = new SpmmPlan('linear', weights, { ...options, columns }, 1)
  try {
    return once.run(x, { out: options.out, residual: options.residual })
  } finally {
    once.dispose()
  }
}

function plan(w: AnyWeights, options: DevicePlanOptions): SpmmDevicePlan
function plan(w: AnyWeights, options: PlanOptions): SpmmPlan
function plan(w: AnyWeights, options: PlanOptions | DevicePlanOptions): SpmmPlan | SpmmDevicePlan {
  const weights = expectWeights(w, 'linear.plan')
  return isDevicePlan(options)
    ? new SpmmDevicePlan('linear', weights, options)
    : new SpmmPlan('linear', weights, options)
}

/**
 * A linear layer with sparse weights, token-major as transformers hold activations: y = activation(x·wᵀ + bias + residual).
 *
 * - `linear(x, w, options)`: x [tokens, K], w a csr or bsr [M, K], returns y [tokens, M]. Transposing is part of
 *   packing x and of writing y.
 * - `linear.plan(w, { columns, … })`: `columns` is the most tokens of a run; see {@link SpmmPlan}.
 *
 * Throws what {@link spmm} throws.
 */
export const linear = Object.assign(run, { plan, kernels, supports })
