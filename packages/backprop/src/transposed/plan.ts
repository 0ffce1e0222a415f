import { choose, type PlanOptions, ProductPlan, resolveBackend } from '@nnz/core'
import { bytes, COSTS, flops, type SparseWeights, type SpmmProblem, spmmProblem } from '@nnz/spmm'
import { type Transposition, transposition } from '../entries.ts'
import { type TransposedKernel, transposedKernels } from './kernels.ts'

/**
 * The kernels that share the packing of the best one for the largest batch: a step packs values for every format, and
 * batches much smaller than planned are rare in training.
 */
function ofOneFormat(problem: SpmmProblem, { backend, kernel, strictNonFinite }: PlanOptions): TransposedKernel[] {
  const options = { costs: COSTS, runs: Number.POSITIVE_INFINITY, kernel, strictNonFinite }
  const { chosen } = choose(transposedKernels, problem, resolveBackend(backend), options)
  return transposedKernels.filter(({ format }) => format === chosen.format)
}

/**
 * Products with the transposed matrix, wᵀ·x, by the kernels of `spmm`. The plan keeps the transposed pattern:
 * `updateValues` takes values in the order of w and packs nothing else.
 */
export class TransposedPlan extends ProductPlan<SpmmProblem, Transposition<SparseWeights>> {
  /** Bytes of the transposed index beside the packings. */
  readonly indexBytes: number

  constructor(operation: 'spmm' | 'linear', w: SparseWeights, options: PlanOptions, name: string, runs?: number) {
    const transpose = transposition(w)
    const { weights, order } = transpose
    const problem = (n: number) => spmmProblem(operation, weights, n, 'none')
    super(
      {
        operation: name,
        weights: transpose,
        shape: weights.shape,
        valueCount: weights.values.length,
        orientation: operation === 'linear' ? 'tokens' : 'columns',
        kernels: runs === undefined ? ofOneFormat(problem(options.columns), options) : transposedKernels,
        costs: COSTS,
        problem,
        flops,
        bytes,
      },
      options,
      runs,
    )
    const { rowOffsets, columnIndices, values } = weights
    this.indexBytes = order.byteLength + rowOffsets.byteLength + columnIndices.byteLength + values.byteLength
  }
}
