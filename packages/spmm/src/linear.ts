import { type CallOptions, expectMatrix, expectOptions, type PlanOptions, type Tensor } from '@nnz/core'
import { kernels } from './kernels/index.ts'
import { SpmmPlan } from './plan.ts'
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

function plan(w: AnyWeights, options: PlanOptions): SpmmPlan {
  return new SpmmPlan('linear', expectWeights(w, 'linear.plan'), options)
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
