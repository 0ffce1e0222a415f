import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator'
import { medianSorted, quantileSorted } from 'simple-statistics'

/** Samples of one contender: one list per fresh process. */
export type Samples = readonly (readonly number[])[]

export interface Interval {
  readonly low: number
  readonly high: number
}

const RESAMPLES = 1000
const SEED = 20261124
const CONFIDENCE = 0.95

/** The estimate for several processes: the median of their medians, so that a process with more samples has no more weight. */
export function medianOf(samples: Samples): number {
  return medianSorted(asArray(sorted(samples.map((process) => medianSorted(asArray(sorted(process)))))))
}

function sorted(values: readonly number[]): Float64Array {
  return Float64Array.from(values).sort()
}

/** simple-statistics only indexes what it is given, but its types ask for arrays. */
function asArray(values: Float64Array): number[] {
  return values as unknown as number[]
}

/**
 * Bootstrap distribution of {@link medianOf} (Efron 1979), in two stages where there are several processes: processes are
 * drawn with replacement, then samples within each. A single process can only show the spread inside itself.
 * The same samples and seed give the same draws.
 */
export function bootstrapMedians(samples: Samples, seed = SEED, resamples = RESAMPLES): Float64Array {
  if (samples.length === 0 || samples.some((process) => process.length === 0)) {
    throw new RangeError('bootstrapMedians: expected at least one process with at least one sample')
  }
  const random = xoroshiro128plus(seed)
  const processes = samples.map(sorted)
  const medians = new Float64Array(samples.length)
  const draws = new Float64Array(resamples)
  for (let draw = 0; draw < resamples; draw++) {
    for (let place = 0; place < medians.length; place++) {
      medians[place] = drawnMedian(processes[uniformInt(random, 0, processes.length - 1)]!, random)
    }
    draws[draw] = medianSorted(asArray(medians.sort()))
  }
  return draws
}

/** The median of as many values drawn with replacement: they are counted in place, since sorting each draw takes several times as long. */
function drawnMedian(values: Float64Array, random: RandomGenerator): number {
  const { length } = values
  const counts = new Uint32Array(length)
  for (let i = 0; i < length; i++) counts[uniformInt(random, 0, length - 1)]!++
  const upper = valueAt(values, counts, length >> 1)
  return length % 2 === 1 ? upper : (valueAt(values, counts, (length >> 1) - 1) + upper) / 2
}

/** The value at a place among the drawn ones, in their order. */
function valueAt(values: Float64Array, counts: Uint32Array, place: number): number {
  let index = 0
  for (let passed = counts[0]!; passed <= place; passed += counts[index]!) index++
  return values[index]!
}

/** The 95 % percentile interval of bootstrap draws. */
export function intervalOf(draws: Float64Array): Interval {
  const ordered = asArray(Float64Array.from(draws).sort())
  return { low: quantileSorted(ordered, (1 - CONFIDENCE) / 2), high: quantileSorted(ordered, (1 + CONFIDENCE) / 2) }
}

/**
 * The interval of `a / b`, from the draws of both. Draws made with one seed pick the same places in both lists of samples;
 * pairing each with the one half the list away makes them independent.
 */
export function ratioInterval(a: Float64Array, b: Float64Array): Interval {
  if (a.length !== b.length)
    throw new RangeError(`ratioInterval: expected as many draws, got ${a.length} and ${b.length}`)
  return intervalOf(a.map((value, i) => value / b[(i + (b.length >> 1)) % b.length]!))
}

/** Whether two intervals share a point: then no difference may be claimed. */
export function overlaps(a: Interval, b: Interval): boolean {
  return a.low <= b.high && b.low <= a.high
}
