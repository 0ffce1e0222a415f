import { describe, rangeError, typeError } from '@nnz/core'
import { isArrayLike } from '../mask/checks.ts'

/** Checks how many are kept. */
export function expectCount(count: unknown, name: string): number {
  if (typeof count !== 'number') throw typeError('NNZ_TYPE', `${name}: expected a number, got ${describe(count)}`)
  if (!(count > 0) || !Number.isFinite(count))
    throw rangeError('NNZ_VALUE', `${name}: expected a finite number above 0, got ${count}`)
  return count
}

/**
 * The differentiable top-k operator SparseK (arXiv 2406.16747): the point p with 0 <= p <= 1 and Σ p = k that is nearest to
 * the scores, p = clip(scores - threshold, 0, 1). With k = 1 it is sparsemax. The threshold is found by sorting, O(n log n).
 *
 * @param scores finite numbers
 * @param k Not necessarily a whole number; from the number of scores up every p is 1
 * @throws RangeError if a score is not finite or k is not above 0
 */
export function sparseK(scores: ArrayLike<number>, k: number): Float64Array {
  const threshold = sparseKThreshold(scores, k)
  return Float64Array.from(scores, (score) => Math.min(1, Math.max(0, score - threshold)))
}

/** The threshold of {@link sparseK}; -Infinity where everything is kept. It never falls when scores are added. */
export function sparseKThreshold(scores: ArrayLike<number>, k: number): number {
  if (typeof scores !== 'object' || scores === null || typeof scores.length !== 'number')
    throw typeError('NNZ_TYPE', `sparseK: expected an array of scores, got ${describe(scores)}`)
  expectCount(k, 'sparseK: k')
  const sorted = Float64Array.from(scores).sort().reverse()
  const bad = sorted.find((score) => !Number.isFinite(score))
  if (bad !== undefined) throw rangeError('NNZ_VALUE', `sparseK: expected finite scores, got ${bad}`)
  if (k >= sorted.length) return Number.NEGATIVE_INFINITY
  // The threshold comes down past the scores (where a p leaves 0) and past the scores less 1 (where it reaches 1).
  let entered = 0
  let full = 0
  let sum = 0
  for (;;) {
    const nextEntry = entered < sorted.length ? sorted[entered] : Number.NEGATIVE_INFINITY
    const nextFull = full < entered ? sorted[full] - 1 : Number.NEGATIVE_INFINITY
    const next = Math.max(nextEntry, nextFull)
    const between = entered - full
    if (full + sum - between * next >= k) return between === 0 ? next : (full + sum - k) / between
    if (nextEntry >= nextFull) sum += sorted[entered++]
    else sum -= sorted[full++]
  }
}

/**
 * The gradient of the scores: the Jacobian is diag(s) - s sᵀ / Σ s with s = 1 where 0 < p < 1.
 *
 * @param dValues gradient of the result
 * @param values the result
 */
export function sparseKBackward(dValues: ArrayLike<number>, values: ArrayLike<number>): Float64Array {
  for (const row of [dValues, values])
    if (!isArrayLike(row))
      throw typeError('NNZ_TYPE', `sparseKBackward: expected two arrays of numbers, got ${describe(row)}`)
  if (dValues.length !== values.length)
    throw rangeError('NNZ_SHAPE', `sparseKBackward: dValues has ${dValues.length} entries, expected ${values.length}`)
  let count = 0
  let sum = 0
  for (let i = 0; i < values.length; i++)
    if (values[i] > 0 && values[i] < 1) {
      count++
      sum += dValues[i]
    }
  return Float64Array.from(values, (value, i) => (value > 0 && value < 1 ? dValues[i] - sum / count : 0))
}
