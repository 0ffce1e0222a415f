import type { Tensor } from '../tensor.ts'
import { type Activation, outputRows } from './activation.ts'
import { erf } from './erf.ts'

/** Operands of a product's reference beside weights and activations. */
export interface ReferenceOptions {
  bias?: ArrayLike<number> | undefined
  residual?: Tensor | undefined
  activation?: Activation | undefined
}

function silu(x: number): number {
  return x === Number.NEGATIVE_INFINITY ? -0 : x / (1 + Math.exp(-x))
}

function activate(x: number, activation: Activation): number {
  switch (activation) {
    case 'relu':
      return x > 0 ? x : Number.isNaN(x) ? x : 0
    case 'gelu':
      return x === Number.NEGATIVE_INFINITY ? -0 : 0.5 * x * (1 + erf(x / Math.SQRT2))
    case 'gelu-tanh':
      return x === Number.NEGATIVE_INFINITY
        ? -0
        : 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    case 'silu':
      return silu(x)
    default:
      return x
  }
}

/**
 * What follows the sums of a product, in f64: activation(sums + bias + residual), for `swiglu` silu(top half of
 * (sums + bias)) · bottom half + residual. The definition that every product shares; slow on purpose.
 *
 * @param sums row-major [M, N]; bias is added to it in place
 * @returns row-major [M, N] ([M / 2, N] for `swiglu`)
 */
export function finishReference(sums: Float64Array, m: number, n: number, options: ReferenceOptions): Float64Array {
  const { bias, residual, activation = 'none' } = options
  if (bias) for (let i = 0; i < sums.length; i++) sums[i] += bias[Math.floor(i / n)]
  const at = (i: number) =>
    residual ? residual.data[Math.floor(i / n) * residual.strides[0] + (i % n) * residual.strides[1]] : 0
  if (activation !== 'swiglu') return sums.map((sum, i) => activate(residual ? sum + at(i) : sum, activation))
  const half = outputRows({ m, activation }) * n
  return Float64Array.from({ length: half }, (_, i) => silu(sums[i]) * sums[half + i] + at(i))
}
