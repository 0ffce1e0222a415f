import {
  type DevicePlanOptions,
  DeviceProductPlan,
  type PlanOptions,
  ProductPlan,
  type ProductSpecification,
} from '@nnz/core'
import { COSTS } from './costs.ts'
import { kernels } from './kernels/index.ts'
import { type AnyWeights, bytes, flops, type SpmmProblem, spmmProblem } from './problem.ts'

function specification(operation: 'spmm' | 'linear', w: AnyWeights): ProductSpecification<SpmmProblem, AnyWeights> {
  return {
    operation,
    weights: w,
    shape: w.shape,
    valueCount: w.nnz,
    orientation: operation === 'linear' ? 'tokens' : 'columns',
    kernels,
    costs: COSTS,
    problem: (n, activation) => spmmProblem(operation, w, n, activation),
    flops,
    bytes,
  }
}

/** Sparse weights packed and kernels chosen, to be run many times on up to `columns` columns. */
export class SpmmPlan extends ProductPlan<SpmmProblem, AnyWeights> {
  /** Use `spmm.plan` or `linear.plan`. `runs` is set by direct calls: packing has to pay within so many runs. */
  constructor(operation: 'spmm' | 'linear', w: AnyWeights, options: PlanOptions, runs?: number) {
    super(specification(operation, w), options, runs)
  }
}

/** The same on a device: runs are enqueued there. */
export class SpmmDevicePlan extends DeviceProductPlan<SpmmProblem, AnyWeights> {
  /** Use `spmm.plan` or `linear.plan` with a device as the backend. */
  constructor(operation: 'spmm' | 'linear', w: AnyWeights, options: DevicePlanOptions) {
    super(specification(operation, w), options)
  }
}
