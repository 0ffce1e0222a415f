import { describe, rangeError } from '../errors.ts'

/** Activations applied to a product, after bias and residual. See {@link ACTIVATIONS}. */
export type Activation = 'none' | 'relu' | 'gelu' | 'gelu-tanh' | 'silu' | 'swiglu'

/**
 * `gelu` is the exact form x·Φ(x) with the error function, `gelu-tanh` its tanh approximation (Hendrycks and Gimpel,
 * arXiv 1606.08415), `silu` x·σ(x), and `swiglu` silu(first half of the rows) times the second half (Shazeer,
 * arXiv 2002.05202), so that the output has half as many rows as w.
 */
export const ACTIVATIONS: readonly Activation[] = ['none', 'relu', 'gelu', 'gelu-tanh', 'silu', 'swiglu']

/** Rows of the output: half of w's for gated activations. */
export function outputRows(problem: { readonly m: number; readonly activation: Activation }): number {
  return problem.activation === 'swiglu' ? problem.m / 2 : problem.m
}

/** Checks an option `activation` for a product with m rows. */
export function expectActivation(value: unknown, m: number, name: string): Activation {
  const activation = value ?? 'none'
  if (!ACTIVATIONS.includes(activation as Activation)) {
    throw rangeError(
      'NNZ_VALUE',
      `${name}: expected activation to be one of ${ACTIVATIONS.join(', ')}, got ${describe(value)}`,
    )
  }
  if (activation === 'swiglu' && m % 2 !== 0) {
    throw rangeError('NNZ_SHAPE', `${name}: swiglu needs an even number of rows of w (gates, then values), got ${m}`)
  }
  return activation as Activation
}
