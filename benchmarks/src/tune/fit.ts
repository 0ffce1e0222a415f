import { fcnnlsVector } from 'ml-fcnnls'

/** One measured time with the counts that it should be linear in. */
export interface Observation {
  readonly features: readonly number[]
  readonly nanoseconds: number
}

/** Coefficients, and how far the fitted times are from the measured ones: the median and the largest ratio of the two. */
export interface Fit {
  readonly coefficients: number[]
  readonly medianError: number
  readonly worstError: number
}

/**
 * Non-negative least squares on relative errors (Lawson and Hanson; fast form of Van Benthem and Keenan 2004): each
 * observation is divided by its time, so that a short run weighs as much as a long one.
 */
export function fitCosts(observations: readonly Observation[]): Fit {
  const width = observations[0].features.length
  // Columns of about equal size: counts go from 1 to 10^9.
  const scales = Array.from({ length: width }, (_, i) =>
    observations.reduce((most, { features, nanoseconds }) => Math.max(most, features[i] / nanoseconds), 0),
  )
  const used = scales.flatMap((scale, i) => (scale > 0 ? [i] : []))
  const rows = observations.map(({ features, nanoseconds }) => used.map((i) => features[i] / nanoseconds / scales[i]))
  const { x } = solve(rows)
  const coefficients = new Array<number>(width).fill(0)
  used.forEach((i, at) => {
    coefficients[i] = Number((x[at] / scales[i]).toPrecision(4))
  })
  const errors = observations
    .map(({ features, nanoseconds }) => {
      const fitted = features.reduce((sum, count, i) => sum + count * coefficients[i], 0)
      return Math.max(fitted / nanoseconds, nanoseconds / fitted)
    })
    .sort((a, b) => a - b)
  return { coefficients, medianError: errors[errors.length >> 1], worstError: errors[errors.length - 1] }
}

function solve(rows: readonly (readonly number[])[]): { x: ArrayLike<number> } {
  const { K } = fcnnlsVector(
    rows.map((row) => [...row]),
    rows.map(() => 1),
  )
  return { x: K.to1DArray() }
}
