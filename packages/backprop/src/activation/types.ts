import type { Tensor } from '@nnz/core'
import type { BackwardActivation } from './slopes.ts'

/** The largest matrix that a runner will see. */
export interface SlopeProblem {
  readonly m: number
  readonly n: number
  readonly activation: BackwardActivation
}

/** Checked operands of one run. */
export interface SlopeArguments {
  /** Gradients of the output, [M, N], any strides. */
  readonly dy: Tensor
  /** What the activation was applied to; undefined for `none`. */
  readonly preActivation: Tensor | undefined
  /** Written: gradients of the pre-activation; undefined if only sums are wanted. */
  readonly dz: Tensor | undefined
  /** Written: sums over each row of dz. */
  readonly dBias: Float32Array | undefined
}
