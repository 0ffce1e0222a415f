import type { Kernel, ProductArguments } from '@nnz/core'
import type { AnyNmWeights, NmProblem, NmWeights } from '../problem.ts'

/** A row of the table of kernels of this package. */
export type NmKernel = Kernel<NmProblem, AnyNmWeights, ProductArguments>

/** A row for f32 values, which does not look whether they are. */
export type F32Kernel = Kernel<NmProblem, NmWeights, ProductArguments>
