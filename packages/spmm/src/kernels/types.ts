import type { Kernel, ProductArguments } from '@nnz/core'
import type { AnyWeights, SparseWeights, SpmmProblem } from '../problem.ts'

/** Checked operands of one run; for `linear`, x and y are the transposed views of what the user gave. */
export type SpmmArguments = ProductArguments

/** A row of the table of kernels of this package. */
export type SpmmKernel = Kernel<SpmmProblem, AnyWeights, SpmmArguments>

/** A row for f32 values, which does not look whether they are. */
export type F32Kernel = Kernel<SpmmProblem, SparseWeights, SpmmArguments>
