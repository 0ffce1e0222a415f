import { describe, rangeError } from '@nnz/core'
import { expectArguments } from '../kit/arguments.ts'

/**
 * The indices of the `count` highest scores, rising. Equal scores are taken in order of their index, so that the result
 * depends on the scores alone.
 *
 * @throws RangeError if there are not so many scores, or one is NaN
 */
export function highest(scores: ArrayLike<number>, count: number): Uint32Array {
  expectArguments('highest', { numbers: { scores } })
  const n = scores.length
  if (!Number.isInteger(count) || count < 0 || count > n)
    throw rangeError('NNZ_VALUE', `highest: expected a whole count in 0..${n}, got ${describe(count)}`)
  const sorted = new Float64Array(scores).sort()
  // Sorting puts NaN last.
  if (n > 0 && Number.isNaN(sorted[n - 1])) throw rangeError('NNZ_VALUE', 'highest: expected scores, one is NaN')
  const chosen = new Uint32Array(count)
  if (count === 0) return chosen
  const threshold = sorted[n - count]
  let ties = 0
  for (let i = n - count; i < n && sorted[i] === threshold; i++) ties++
  for (let i = 0, at = 0; at < count; i++) {
    if (scores[i] > threshold || (scores[i] === threshold && ties-- > 0)) chosen[at++] = i
  }
  return chosen
}

/** Absolute values. */
export function magnitudes(values: ArrayLike<number>): Float32Array {
  expectArguments('magnitudes', { numbers: { values } })
  const sizes = new Float32Array(values)
  for (let i = 0; i < sizes.length; i++) sizes[i] = Math.abs(sizes[i])
  return sizes
}
