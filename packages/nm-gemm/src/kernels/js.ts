import { entriesKernel } from '@nnz/core'
import type { NmProblem, NmWeights } from '../problem.ts'
import { CONTRACTS, supportsContract } from './contracts.ts'
import { entriesOf } from './entries.ts'
import type { F32Kernel } from './types.ts'

/** Plain JavaScript, for every layout and product. */
export const jsKernels: readonly F32Kernel[] = CONTRACTS.map((contract) =>
  entriesKernel<NmProblem, NmWeights>({
    ...contract,
    supports: (problem) => supportsContract(problem, contract),
    entriesOf,
  }),
)
