import { bsr, csr, type DenseView, denseCandidates } from '@nnz/core'
import type { SparseWeights, SpmmProblem } from '../problem.ts'
import { entriesOf } from './entries.ts'
import type { F32Kernel } from './types.ts'

/** The matrix with `values` in place of its own. */
function filled(weights: SparseWeights, values: Float32Array): Float32Array {
  const [rows, columns] = weights.shape
  const { rowOffsets, columnIndices, order } = entriesOf(weights)
  const dense = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    for (let i = rowOffsets[row]; i < rowOffsets[row + 1]; i++)
      dense[row * columns + columnIndices[i]] = values[order ? order[i] : i]
  }
  return dense
}

function toDense(weights: SparseWeights, values?: Float32Array): Float32Array {
  if (values) return filled(weights, values)
  return weights.layout === 'csr' ? csr.toDense(weights) : bsr.toDense(weights)
}

/** The weights of one layout, as dense kernels see them. */
export function denseView(layout: 'csr' | 'bsr'): DenseView<SpmmProblem, SparseWeights> {
  return {
    operation: 'spmm',
    contract: `spmm_${layout}_f32`,
    supports: (problem) => problem.layout === layout || `is for ${layout} weights, these are ${problem.layout}`,
    toDense,
  }
}

/** Every dense kernel of core, for both layouts, row by row of core's table. */
function rows(): F32Kernel[] {
  const [forCsr, forBsr] = (['csr', 'bsr'] as const).map((layout) => denseCandidates(denseView(layout)))
  return forCsr.flatMap((row, i) => [row, forBsr[i]])
}

export const denseKernels: readonly F32Kernel[] = rows()
