import type { Activation } from '@nnz/spmm'

/** Activations with a backward pass here: all of `spmm` but the gated one. */
export type BackwardActivation = Exclude<Activation, 'swiglu'>

/** See {@link BackwardActivation}. */
export const BACKWARD_ACTIVATIONS: readonly BackwardActivation[] = ['none', 'relu', 'gelu', 'gelu-tanh', 'silu']

/** Beyond it, all slopes are 0 or 1 in f64. */
const SATURATED = 40

// Abramowitz and Stegun 7.1.5 and 7.1.14: the series converges fast for small |x|, the continued fraction for large.
function erf(x: number): number {
  const z = Math.abs(x)
  if (z > 6) return Math.sign(x)
  if (z < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= (-x * x) / n
      sum += term / (2 * n + 1)
    }
    return (2 / Math.sqrt(Math.PI)) * sum
  }
  let fraction = 0
  for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction)
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)))
}

function geluTanhSlope(x: number): number {
  const factor = Math.sqrt(2 / Math.PI)
  const t = Math.tanh(factor * (x + 0.044715 * x ** 3))
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * factor * (1 + 0.134145 * x * x)
}

/** The derivative of an activation, in f64: the definition. That of relu at 0 is 0. */
export function slope(x: number, activation: BackwardActivation): number {
  if (activation === 'none' || Number.isNaN(x)) return activation === 'relu' || activation === 'none' ? 1 : x
  if (activation === 'relu' || Math.abs(x) > SATURATED) return x > 0 ? 1 : 0
  if (activation === 'gelu')
    return 0.5 * (1 + erf(x / Math.SQRT2)) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI)
  if (activation === 'gelu-tanh') return geluTanhSlope(x)
  const sigmoid = 1 / (1 + Math.exp(-x))
  return sigmoid * (1 + x * (1 - sigmoid))
}
