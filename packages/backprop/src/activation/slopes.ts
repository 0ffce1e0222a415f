import { erf } from '@nnz/core'
import type { Activation } from '@nnz/spmm'

/** Activations with a backward pass here: all of `spmm` but the gated one. */
export type BackwardActivation = Exclude<Activation, 'swiglu'>

/** See {@link BackwardActivation}. */
export const BACKWARD_ACTIVATIONS: readonly BackwardActivation[] = ['none', 'relu', 'gelu', 'gelu-tanh', 'silu']

/** Beyond it, all slopes are 0 or 1 in f64. */
const SATURATED = 40

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
