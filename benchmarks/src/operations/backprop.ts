import { sddmmKernels } from '@nnz/backprop'
import { gradientContenders, sddmmContenders } from '../backprop/contenders.ts'
import { type GradientTask, makeGradientTask } from '../backprop/task.ts'
import { gradientBaselines } from '../baselines/gradients.ts'
import { createWorkload, type ProductOperation, type ProductWorkload } from '../products/workload.ts'
import { fullWorkloads, missingFor } from '../products/workloads.ts'
import type { Operation, Suite } from './operation.ts'

type GradientOperation = Operation<ProductWorkload, GradientTask>

/** Training sees many tokens at once, and its weights are sparse in no special pattern. */
const FEWEST_COLUMNS = 16
const SPARSITIES = [0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95]

const QUICK: Readonly<Partial<Record<ProductOperation, readonly number[]>>> = { backprop: [0.5, 0.9], sddmm: [0.9] }
const QUICK_LAYER = 'bert-base/ffn-up/n128/uniform'

function workloads(operation: ProductOperation, suite: Suite): ProductWorkload[] {
  const of = fullWorkloads().filter(({ pattern, n }) => pattern.kind === 'uniform' && n >= FEWEST_COLUMNS)
  const chosen = suite === 'full' ? of : of.filter(({ id }) => id === QUICK_LAYER)
  const sparsities = (suite === 'quick' && QUICK[operation]) || SPARSITIES
  return chosen.map(({ id, seed, anySparsity, ...parts }) =>
    createWorkload({ ...parts, operation, phase: 'training', sparsities }),
  )
}

const SHARED = { missingFor, makeTask: makeGradientTask } as const

/** Both gradients of a product with sparse weights. */
export const backpropOperation: GradientOperation = {
  ...SHARED,
  name: 'backprop',
  // It is put together of those of spmm and sddmm.
  kernels: [],
  baselines: gradientBaselines(),
  workloads: (suite) => workloads('backprop', suite),
  contenders: gradientContenders,
}

/** The gradient of the stored entries alone: sampled products. */
export const sddmmOperation: GradientOperation = {
  ...SHARED,
  name: 'sddmm',
  kernels: sddmmKernels,
  baselines: [],
  workloads: (suite) => workloads('sddmm', suite),
  contenders: sddmmContenders,
}
