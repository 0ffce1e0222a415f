import { type PlanOptions, ProductPlan } from '@nnz/core'
import { COSTS } from './cost-model.ts'
import { kernels } from './kernels/index.ts'
import { bytes, flops, type NmOperation, type NmProblem, type NmWeights, nmProblem, productShape } from './problem.ts'

/** N:M weights packed and kernels chosen, to be run many times on up to `columns` columns. */
export class NmPlan extends ProductPlan<NmProblem, NmWeights> {
  constructor(operation: NmOperation, w: NmWeights, options: PlanOptions, runs?: number) {
    super(
      {
        operation,
        weights: w,
        shape: productShape(operation, w),
        valueCount: w.nnz,
        orientation: operation === 'nmLinear' ? 'tokens' : 'columns',
        kernels,
        costs: COSTS,
        problem: (n, activation) => nmProblem(operation, w, n, activation),
        flops,
        bytes,
      },
      options,
      runs,
    )
  }
}
