import type { Kernel, Tensor } from '@nnz/core'
import type { SparseWeights, SpmmProblem } from '../problem.ts'

/** Checked operands of one run; for `linear`, x and y are the transposed views of what the user gave. */
export interface SpmmArguments {
  readonly x: Tensor
  readonly y: Tensor
  readonly bias: Float32Array | undefined
  readonly residual: Tensor | undefined
}

/** A row of the table of kernels of this package. */
export type SpmmKernel = Kernel<SpmmProblem, SparseWeights, SpmmArguments>
