import { type CompactDense, dense, denseI8Candidates, type I8Values } from '@nnz/core'
import type { CompactNmWeights, NmProblem } from '../../problem.ts'
import { CONTRACTS, supportsContract } from '../contracts.ts'
import { columnsOf } from '../regular-rows.ts'
import type { NmKernel } from '../types.ts'
import { otherValues, requantised } from './values.ts'

/** The matrix with its zeros, its scales as they are. */
function filled(w: CompactNmWeights): CompactDense {
  const [rows, width] = w.shape
  const { data, scales, groupColumns } = w.values as I8Values
  const { columns, entries } = columnsOf(w)
  const values = new Int8Array(rows * width)
  for (let i = 0; i < columns.length; i++) values[Math.floor(i / entries) * width + columns[i]] = data[i]
  return dense({ shape: w.shape, values: { type: 'i8', data: values, length: values.length, scales, groupColumns } })
}

/** Every dense kernel of core for i8 weights, as a candidate. */
export const denseI8Kernels: readonly NmKernel[] = CONTRACTS.filter(({ operation }) => operation === 'nmGemm').flatMap(
  (contract) =>
    denseI8Candidates<NmProblem, CompactNmWeights>({
      operation: 'nmGemm',
      contract: `nmGemm_${contract.layout}_i8`,
      supports: (problem) =>
        problem.valueType === 'i8' ? supportsContract(problem, contract) : otherValues('i8', problem),
      toDense: filled,
      requantised,
    }).map((kernel) => ({
      ...kernel,
      pack: (w, problem, backend) => kernel.pack(w as CompactNmWeights, problem, backend),
    })),
)
