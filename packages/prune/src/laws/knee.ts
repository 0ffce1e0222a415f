import { describe, expectOptions, rangeError, typeError } from '@nnz/core'

/** Quality of a network at one sparsity. */
export interface QualityPoint {
  readonly sparsity: number
  readonly quality: number
}

/** Options of {@link essentialSparsity}. */
export interface KneeOptions {
  /** Whether a higher or a lower quality is better, as for a perplexity, whose logarithm shows more. Default: `higher`. */
  readonly better?: 'higher' | 'lower' | undefined
  /** A loss of at most this share of the first point's quality is none. Default: 0.01. */
  readonly tolerance?: number | undefined
}

/**
 * The essential sparsity (arXiv 2306.03805): the last sparsity before quality drops sharply. It is the point of a quality
 * curve that lies furthest above the line between its ends (Kneedle: Satopää et al., ICDCSW 2011).
 *
 * @param points of rising sparsity, at least three
 * @returns undefined if nothing is lost
 * @throws TypeError or RangeError if the points do not rise or one is not finite
 */
export function essentialSparsity(
  points: readonly QualityPoint[],
  options: KneeOptions = {},
): QualityPoint | undefined {
  expectOptions(options, 'essentialSparsity')
  const { better = 'higher', tolerance = 0.01 } = options
  if (better !== 'higher' && better !== 'lower')
    throw rangeError(
      'NNZ_VALUE',
      `essentialSparsity: expected better to be "higher" or "lower", got ${describe(better)}`,
    )
  if (!Array.isArray(points)) throw typeError('NNZ_TYPE', `essentialSparsity: expected points, got ${describe(points)}`)
  if (points.length < 3)
    throw rangeError('NNZ_VALUE', `essentialSparsity: expected at least 3 points, got ${points.length}`)
  points.forEach(({ sparsity, quality }, i) => {
    if (!Number.isFinite(quality) || !(sparsity > (points[i - 1]?.sparsity ?? Number.NEGATIVE_INFINITY)))
      throw rangeError(
        'NNZ_VALUE',
        `essentialSparsity: point ${i}: expected a rising sparsity and a finite quality, got ${describe(sparsity)} and ${describe(quality)}`,
      )
  })
  const sign = better === 'higher' ? 1 : -1
  const qualities = points.map(({ quality }) => sign * quality)
  const worst = Math.min(...qualities)
  const range = Math.max(...qualities) - worst
  if (qualities[0] - worst <= tolerance * Math.abs(qualities[0])) return undefined
  const [first, last] = [points[0].sparsity, points[points.length - 1].sparsity]
  // The line falls from the best quality at the first sparsity to the worst one at the last.
  const above = points.map(({ sparsity }, i) => (qualities[i] - worst) / range - (last - sparsity) / (last - first))
  return points[above.indexOf(Math.max(...above))]
}
