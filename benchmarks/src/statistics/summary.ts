import { logAverage, median, medianAbsoluteDeviation } from 'simple-statistics'
import { bootstrapMedians, type Interval, intervalOf, medianOf, type Samples } from './bootstrap.ts'

/** The time of one record. */
export interface Timing {
  /** Nanoseconds: the median of the processes' medians, and its 95 % bootstrap interval. */
  readonly median: number
  readonly interval: Interval
  /** Median absolute deviation of all samples relative to their median; not scaled to a standard deviation. */
  readonly spread: number
  /** What the interval comes from: compare a ratio by it. */
  readonly draws: Float64Array
}

export function timingOf(samples: Samples): Timing {
  const draws = bootstrapMedians(samples)
  const all = samples.flat()
  return {
    median: medianOf(samples),
    interval: intervalOf(draws),
    spread: medianAbsoluteDeviation(all) / median(all),
    draws,
  }
}

/** Geometric mean of positive numbers; null of none. */
export function geometricMean(values: readonly number[]): number | null {
  return values.length === 0 ? null : logAverage([...values])
}

/** Median; null of none. */
export function medianOrNull(values: readonly number[]): number | null {
  return values.length === 0 ? null : median([...values])
}
