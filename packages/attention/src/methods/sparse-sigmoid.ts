import { describe, rangeError, typeError } from '@nnz/core'

/** Checks an alpha. */
export function expectAlpha(alpha: unknown, name: string): number {
  if (typeof alpha !== 'number') throw typeError('NNZ_TYPE', `${name}: expected a number, got ${describe(alpha)}`)
  if (!(alpha >= 1)) throw rangeError('NNZ_VALUE', `${name}: expected a number from 1 up, got ${alpha}`)
  return alpha
}

/**
 * The alpha-sigmoid, the p in [0, 1] that maximises p x + H(p) with the Tsallis entropy of order alpha (arXiv 1905.05702): the
 * logistic function for alpha = 1; above, exactly 0 or 1 where |x| >= 1 / (alpha - 1); a step at 0 for alpha = Infinity.
 *
 * @throws RangeError if alpha is below 1
 */
export function sparseSigmoid(x: number, alpha: number): number {
  const order = expectAlpha(alpha, 'sparseSigmoid: alpha') - 1
  if (order === 0) return 1 / (1 + Math.exp(-x))
  if (order * x >= 1 || (order === Number.POSITIVE_INFINITY && x > 0)) return 1
  if (order * x <= -1 || order === Number.POSITIVE_INFINITY) return 0
  if (order === 1) return (1 + x) / 2
  if (order === 0.5) return (1 + (x / 2) * Math.sqrt(2 - (x / 2) ** 2)) / 2
  // The root of a function that rises: Newton's steps, halving where one leaves the bracket.
  let [low, high] = [0, 1]
  let p = (1 + Math.max(-1, Math.min(1, order * x))) / 2
  for (let i = 0; i < 60 && high - low > 1e-15; i++) {
    const error = p ** order - (1 - p) ** order - order * x
    if (error > 0) high = p
    else low = p
    const next = p - error / (order * (p ** (order - 1) + (1 - p) ** (order - 1)))
    const step = next > low && next < high ? next : (low + high) / 2
    if (Math.abs(step - p) < 1e-15) return step
    p = step
  }
  return p
}

/** The derivative of {@link sparseSigmoid}, given its value p: 0 where p is 0 or 1. */
export function sparseSigmoidSlope(p: number, alpha: number): number {
  if (p <= 0 || p >= 1) return 0
  return 1 / (p ** (alpha - 2) + (1 - p) ** (alpha - 2))
}
