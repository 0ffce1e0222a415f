import { quantile } from 'simple-statistics'
import type { BenchRecord } from '../records/schema.ts'
import { type Interval, medianOf, overlaps, ratioInterval, type Samples } from './bootstrap.ts'
import { geometricMean, timingOf } from './summary.ts'

export interface Comparison {
  readonly id: string
  /** Time of `b` over time of `a`: above 1, `b` is slower. Null unless both passed. */
  readonly ratio: number | null
  readonly interval: Interval | null
  readonly verdict: 'faster' | 'slower' | 'no difference' | 'not comparable'
}

export interface RunComparison {
  /** Records that both have, in the order of `a`. */
  readonly records: readonly Comparison[]
  readonly onlyInA: readonly string[]
  readonly onlyInB: readonly string[]
  /** Of the comparable ones. */
  readonly geometricMean: number | null
  readonly counts: Readonly<Record<Comparison['verdict'], number>>
}

interface Recorded {
  readonly records: readonly BenchRecord[]
}

/** Compares two runs record by record. Two runs of one commit give the machine's A/A noise. */
export function compareRuns(a: Recorded, b: Recorded): RunComparison {
  const inB = new Map(b.records.map((record) => [record.id, record]))
  const inA = new Set(a.records.map(({ id }) => id))
  const records = a.records.flatMap((record) => {
    const other = inB.get(record.id)
    return other === undefined ? [] : [compareRecords(record, other)]
  })
  const counts = { faster: 0, slower: 0, 'no difference': 0, 'not comparable': 0 }
  for (const { verdict } of records) counts[verdict]++
  return {
    records,
    onlyInA: a.records.filter(({ id }) => !inB.has(id)).map(({ id }) => id),
    onlyInB: b.records.filter(({ id }) => !inA.has(id)).map(({ id }) => id),
    geometricMean: geometricMean(records.flatMap(({ ratio }) => ratio ?? [])),
    counts,
  }
}

function compareRecords(a: BenchRecord, b: BenchRecord): Comparison {
  if (a.status !== 'passed' || b.status !== 'passed') {
    return { id: a.id, ratio: null, interval: null, verdict: 'not comparable' }
  }
  const [left, right] = [timingOf(a.samples), timingOf(b.samples)]
  const ratio = right.median / left.median
  const same = overlaps(left.interval, right.interval)
  const interval = ratioInterval(right.draws, left.draws)
  return { id: a.id, ratio, interval, verdict: same ? 'no difference' : ratio < 1 ? 'faster' : 'slower' }
}

/** How far two measurements of the same thing lie apart on this machine: ratios of the greater to the lesser, 1 being none. */
export interface Noise {
  readonly median: number
  readonly p95: number
  /** Records that it comes from. */
  readonly count: number
  /** What was compared: fresh processes, or, where each contender had one, the halves of its samples, which shows less than there is. */
  readonly between: 'processes' | 'halves'
}

/** A/A noise from the records themselves: the same contender, measured twice. Null where nothing was measured twice. */
export function noiseOf(records: readonly BenchRecord[]): Noise | null {
  const measured = records.filter(({ status }) => status === 'passed')
  const several = measured.filter(({ samples }) => samples.length > 1)
  const between = several.length > 0 ? 'processes' : 'halves'
  const pairs = several.length > 0 ? several.map(({ samples }) => samples.slice(0, 2)) : measured.flatMap(halvesOf)
  const ratios = pairs.map(([a, b]) => {
    const [x, y] = [medianOf([a!]), medianOf([b!])]
    return Math.max(x, y) / Math.min(x, y)
  })
  if (ratios.length === 0) return null
  return { median: quantile(ratios, 0.5), p95: quantile(ratios, 0.95), count: ratios.length, between }
}

function halvesOf({ samples }: BenchRecord): Samples[] {
  const only = samples[0] ?? []
  const half = only.length >> 1
  return half === 0 ? [] : [[only.slice(0, half), only.slice(half)]]
}
