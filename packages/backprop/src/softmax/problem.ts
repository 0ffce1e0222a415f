import type { Csr, Kernel, Problem } from '@nnz/core'

/** One call of `sparseSoftmax` or its backward, as plain data. */
export interface SoftmaxProblem extends Problem {
  readonly operation: 'sparseSoftmax' | 'sparseSoftmaxBackward'
  /** Rows of the pattern. */
  readonly m: number
  readonly nnz: number
}

/** Describes a call on a pattern. */
export function softmaxProblem(operation: SoftmaxProblem['operation'], pattern: Csr): SoftmaxProblem {
  return { operation, m: pattern.shape[0], n: 1, nnz: pattern.nnz }
}

/** Operations on the stored entries, an exponential counted as one: maximum, difference, exponential, sum, quotient; or two products, sum, difference. */
export function softmaxFlops({ operation, nnz }: SoftmaxProblem): number {
  return (operation === 'sparseSoftmax' ? 5 : 4) * nnz
}

/** Bytes that one run must move at least. */
export function softmaxBytes({ operation, nnz, m }: SoftmaxProblem): number {
  return (operation === 'sparseSoftmax' ? 8 : 12) * nnz + 4 * m
}

/** Checked operands of one run; arrays have one number for each entry. */
export interface SoftmaxArguments {
  /** Scores, or for the backward pass the gradients of the weights. */
  readonly input: Float32Array
  /** For the backward pass: what the forward pass returned. */
  readonly weights: Float32Array | undefined
  /** Scores are multiplied by it first. */
  readonly scale: number
  readonly out: Float32Array
}

/** A row of the table of `sparseSoftmax`. */
export type SoftmaxKernel = Kernel<SoftmaxProblem, Csr, SoftmaxArguments>
