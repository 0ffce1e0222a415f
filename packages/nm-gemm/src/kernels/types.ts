import type { Kernel, ProductArguments } from '@nnz/core'
import type { NmProblem, NmWeights } from '../problem.ts'

/** A row of the table of kernels of this package. */
export type NmKernel = Kernel<NmProblem, NmWeights, ProductArguments>
