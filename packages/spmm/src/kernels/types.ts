import type { Kernel, ProductArguments } from '@nnz/core'
import type { SparseWeights, SpmmProblem } from '../problem.ts'

/** Checked operands of one run; for `linear`, x and y are the transposed views of what the user gave. */
export type SpmmArguments = ProductArguments

/** A row of the table of kernels of this package. */
export type SpmmKernel = Kernel<SpmmProblem, SparseWeights, SpmmArguments>
