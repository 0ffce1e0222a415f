import { denseCandidates } from '@nnz/core'
import type { NmProblem, NmWeights } from '../problem.ts'
import { CONTRACTS, supportsContract } from './contracts.ts'
import { regularRows } from './regular-rows.ts'
import type { F32Kernel } from './types.ts'

/** The matrix with its zeros, or its transposed form, with `values` in place of its own. */
export function filled(w: NmWeights, given: Float32Array | undefined, transposed: boolean): Float32Array {
  const { shape, entries, columns, values } = regularRows(w)
  const [rows, width] = shape
  const dense = new Float32Array(rows * width)
  const source = given ?? values
  for (let i = 0; i < columns.length; i++) {
    const row = Math.floor(i / entries)
    dense[transposed ? columns[i] * rows + row : row * width + columns[i]] = source[i]
  }
  return dense
}

/** Every dense kernel of core, as a candidate. */
export const denseKernels: readonly F32Kernel[] = CONTRACTS.flatMap((contract) =>
  denseCandidates<NmProblem, NmWeights>({
    ...contract,
    supports: (problem) => supportsContract(problem, contract),
    toDense: (w, values) => filled(w, values, contract.operation === 'nmGemmTransposed'),
  })
    // Transposed products have no token-major form.
    .filter(({ variant }) => contract.operation !== 'nmGemmTransposed' || !variant.includes('tokens')),
)
