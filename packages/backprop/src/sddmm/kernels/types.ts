import type { Kernel, Tensor } from '@nnz/core'
import type { SparseWeights } from '@nnz/spmm'
import type { SddmmProblem } from '../problem.ts'

/** Checked operands of one run. */
export interface SddmmArguments {
  /** [M, N], any strides. */
  readonly a: Tensor
  /** b with its axes swapped: [K, N], any strides. */
  readonly b: Tensor
  /** One number for each stored element, in canonical order; all are written. */
  readonly out: Float32Array
  /** Multiplies each result. */
  readonly scale: Float32Array | undefined
  /** Results are added to `out`. */
  readonly accumulate: boolean
}

/** A row of the table of `sddmm`. */
export type SddmmKernel = Kernel<SddmmProblem, SparseWeights, SddmmArguments>
