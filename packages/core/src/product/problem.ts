import type { Orientation } from '../gemm/problem.ts'
import type { Problem } from '../plan/kernel.ts'
import type { Tensor } from '../tensor.ts'
import type { Activation } from './activation.ts'

/** One product of weights [M, K], stored in whatever way, with dense activations [K, N], and what follows it. */
export interface ProductProblem extends Problem {
  /** Rows of the product. */
  readonly m: number
  /** What is summed over. */
  readonly k: number
  /** Columns of x, or tokens. */
  readonly n: number
  readonly orientation: Orientation
  readonly activation: Activation
}

/** Checked operands of one run; where activations are token-major, x, y and residual are transposed views of what the user gave. */
export interface ProductArguments {
  readonly x: Tensor
  readonly y: Tensor
  readonly bias: Float32Array | undefined
  readonly residual: Tensor | undefined
}
