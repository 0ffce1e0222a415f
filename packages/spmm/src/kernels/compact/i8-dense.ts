import { type CompactDense, dense, denseI8Candidates, type I8Values } from '@nnz/core'
import type { CompactWeights, SpmmProblem } from '../../problem.ts'
import { structureOf } from '../entries.ts'
import type { SpmmKernel } from '../types.ts'
import { otherValues, requantised } from './values.ts'

/** The matrix with its zeros, its scales as they are. */
function filled(w: CompactWeights): CompactDense {
  const [rows, columns] = w.shape
  const { data, scales, groupColumns } = w.values as I8Values
  const { rowOffsets, columnIndices, order } = structureOf(w)
  const values = new Int8Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    for (let i = rowOffsets[row]; i < rowOffsets[row + 1]; i++)
      values[row * columns + columnIndices[i]] = data[order ? order[i] : i]
  }
  return dense({ shape: w.shape, values: { type: 'i8', data: values, length: values.length, scales, groupColumns } })
}

/** Every dense kernel of core for i8 weights, as a candidate. */
export const denseI8Kernels: readonly SpmmKernel[] = (['csr', 'bsr'] as const).flatMap((layout) =>
  denseI8Candidates<SpmmProblem, CompactWeights>({
    operation: 'spmm',
    contract: `spmm_${layout}_i8`,
    supports(problem) {
      if (problem.valueType !== 'i8') return otherValues('i8', problem.valueType)
      return problem.layout === layout || `is for ${layout} weights, these are ${problem.layout}`
    },
    toDense: filled,
    requantised,
  }).map((kernel) => ({
    ...kernel,
    pack: (w, problem, backend) => kernel.pack(w as CompactWeights, problem, backend),
  })),
)
