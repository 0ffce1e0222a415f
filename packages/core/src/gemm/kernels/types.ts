import type { Kernel } from '../../plan/kernel.ts'
import type { Tensor } from '../../tensor.ts'
import type { GemmProblem } from '../problem.ts'

/** Dense weights. `values` may be replaced by `updateValues`, row-major. */
export interface GemmWeights {
  readonly matrix: Tensor
}

/** Checked operands of one run. */
export interface GemmArguments {
  /** Activations [K, N], any strides. */
  readonly x: Tensor
  /** Output [M, N], any strides. */
  readonly y: Tensor
}

export type GemmKernel = Kernel<GemmProblem, GemmWeights, GemmArguments>
