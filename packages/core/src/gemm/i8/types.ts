import type { CompactDense } from '../../layouts/dense.ts'
import type { Kernel, KernelTypes } from '../../plan/kernel.ts'
import type { GemmArguments } from '../kernels/types.ts'
import type { GemmProblem } from '../problem.ts'

/** A product of dense i8 weights and f32 activations, which are quantised as they come. */
export interface GemmI8Problem extends GemmProblem {
  /** Columns of the weights that share a scale. */
  readonly groupColumns: number
}

/** Dense i8 weights. `updateValues` takes f32 values, row-major, and quantises them in the same groups. */
export interface GemmI8Weights {
  readonly matrix: CompactDense
}

export type GemmI8Kernel = Kernel<GemmI8Problem, GemmI8Weights, GemmArguments>

export const I8_TYPES: KernelTypes = Object.freeze({
  weights: 'i8',
  activations: 'u7',
  accumulator: 'i32',
  output: 'f32',
})

/** Columns beyond which a sum of products may leave i32: 2^31 / (128 · 127). */
export const MOST_COLUMNS = 132_104

/** Bytes that one run must move at least. */
export function gemmI8Bytes({ m, k, n }: GemmI8Problem): number {
  return m * k + 4 * (k * n + m * n)
}
