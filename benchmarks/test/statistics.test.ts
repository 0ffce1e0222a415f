import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BenchRecord } from '../src/records/index.ts'
import {
  bootstrapMedians,
  compareRuns,
  crossover,
  geometricMean,
  intervalOf,
  limitOf,
  medianOf,
  noiseOf,
  overlaps,
  ratioInterval,
  timingOf,
} from '../src/statistics/index.ts'
import { makeRecords, SHAPES } from './report-fixture.ts'

const samples = fc.array(fc.array(fc.double({ min: 1, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 20 }), {
  minLength: 1,
  maxLength: 5,
})

describe('median and interval', () => {
  test('the median of processes gives each one vote', () => {
    expect(medianOf([[1, 2, 100]])).toBe(2)
    expect(medianOf([[1, 1, 1, 1, 1, 1], [5], [9]])).toBe(5)
  })

  test('draws depend on the seed alone', () => {
    const data = [
      [3, 1, 4, 1, 5],
      [9, 2, 6],
    ]
    expect(bootstrapMedians(data)).toEqual(bootstrapMedians(data))
    expect(bootstrapMedians(data, 1)).not.toEqual(bootstrapMedians(data, 2))
  })

  test('the interval lies within the samples and contains the median', () => {
    fc.assert(
      fc.property(samples, (data) => {
        const { median, interval } = timingOf(data)
        const all = data.flat()
        expect(interval.low).toBeGreaterThanOrEqual(Math.min(...all))
        expect(interval.high).toBeLessThanOrEqual(Math.max(...all))
        if (data.length === 1 && all.length > 4) {
          expect(interval.low).toBeLessThanOrEqual(median)
          expect(interval.high).toBeGreaterThanOrEqual(median)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('it covers the true median of a known distribution about as often as it says', () => {
    let covered = 0
    for (let seed = 0; seed < 200; seed++) {
      // Uniform on 1..2 by a generator of its own: the true median is 1.5.
      let state = seed * 7919 + 1
      const data = Array.from({ length: 25 }, () => 1 + (state = (state * 16807) % 2147483647) / 2147483647)
      const { low, high } = intervalOf(bootstrapMedians([data], seed, 400))
      if (low <= 1.5 && 1.5 <= high) covered++
    }
    expect(covered / 200).toBeGreaterThan(0.88)
    expect(covered / 200).toBeLessThan(1)
  })

  test('processes that differ widen it beyond what one process shows', () => {
    const width = ({ low, high }: { low: number; high: number }) => high - low
    const inOne = timingOf([[100, 101, 102, 103, 104]]).interval
    const across = timingOf([
      [100, 101, 102],
      [120, 121, 122],
      [140, 141, 142],
    ]).interval
    expect(width(across)).toBeGreaterThan(5 * width(inOne))
  })

  test('spread is the relative median absolute deviation', () => {
    expect(timingOf([[90, 100, 100, 110, 150]]).spread).toBeCloseTo(0.1, 12)
  })

  test('nothing to draw from is an error', () => {
    expect(() => bootstrapMedians([])).toThrow(RangeError)
    expect(() => bootstrapMedians([[1], []])).toThrow(RangeError)
  })
})

test('the ratio of a list with itself is uncertain, not exactly 1', () => {
  const draws = bootstrapMedians([[100, 103, 106, 109, 112, 115]])
  const { low, high } = ratioInterval(draws, draws)
  expect(low).toBeLessThan(1)
  expect(high).toBeGreaterThan(1)
})

test('intervals overlap from touching on', () => {
  expect(overlaps({ low: 1, high: 2 }, { low: 2, high: 3 })).toBe(true)
  expect(overlaps({ low: 1, high: 2 }, { low: 2.1, high: 3 })).toBe(false)
  expect(overlaps({ low: 0, high: 9 }, { low: 2, high: 3 })).toBe(true)
})

test('geometric mean', () => {
  expect(geometricMean([1, 100])).toBeCloseTo(10, 10)
  expect(geometricMean(Array(400).fill(1e9))).toBeCloseTo(1e9, -2)
  expect(geometricMean([])).toBeNull()
})

describe('crossover', () => {
  const points = (...values: [number, number][]) => values.map(([sparsity, speedUp]) => ({ sparsity, speedUp }))
  test('between two points, in the logarithm of the speed-up', () => {
    expect(crossover(points([0.5, 0.5], [0.7, 2]))).toEqual({ sparsity: 0.6, relation: 'at' })
    expect(crossover(points([0.9, 8], [0.5, 1], [0.2, 0.5]))).toEqual({ sparsity: 0.5, relation: 'at' })
  })
  test('outside of what was measured', () => {
    expect(crossover(points([0.2, 1.1], [0.5, 2]))).toEqual({ sparsity: 0.2, relation: 'below' })
    expect(crossover(points([0.2, 0.1], [0.9, 0.8]))).toEqual({ sparsity: 0.9, relation: 'above' })
    expect(crossover([])).toBeNull()
  })
  test('what wins, loses and wins again crosses at the last', () => {
    expect(crossover(points([0.1, 2], [0.5, 0.5], [0.9, 2]))?.sparsity).toBeCloseTo(0.7, 12)
  })
  test('of several shapes at one sparsity the slowest counts', () => {
    expect(crossover(points([0.5, 3], [0.5, 0.5], [0.7, 2]))).toEqual({ sparsity: 0.6, relation: 'at' })
  })
})

test('the limit is the longer one of computing and moving', () => {
  const peak = { name: 'wasm', threads: 2, flopsPerSecond: 1e9, bytesPerSecond: 1e9 }
  expect(limitOf(2000, 1000, peak)).toEqual({ peak: 'wasm x2', boundBy: 'compute', ns: 2000 })
  expect(limitOf(10, 1000, peak)).toEqual({ peak: 'wasm x2', boundBy: 'memory', ns: 1000 })
  expect(limitOf(0, 0, peak)).toBeNull()
})

describe('comparing runs', () => {
  const small = { shapes: SHAPES.slice(0, 1), columns: [16], sparsities: [0.5, 0.9] }
  const scaled = (records: BenchRecord[], factor: number) =>
    records.map((record) => ({ ...record, samples: record.samples.map((process) => process.map((ns) => ns * factor)) }))

  test('a run against itself shows no difference', () => {
    const records = makeRecords(small)
    const { counts, geometricMean } = compareRuns({ records }, { records })
    expect(counts).toEqual({ faster: 0, slower: 0, 'no difference': records.length, 'not comparable': 0 })
    expect(geometricMean).toBeCloseTo(1, 12)
  })

  test('a run that takes 1.5 times as long is slower, by that ratio', () => {
    const records = makeRecords(small)
    const { counts, records: compared } = compareRuns({ records }, { records: scaled(records, 1.5) })
    expect(counts.slower).toBe(records.length)
    expect(compared[0]?.ratio).toBeCloseTo(1.5, 12)
    expect(compared[0]?.interval?.low).toBeGreaterThan(1.4)
    expect(compareRuns({ records: scaled(records, 1.5) }, { records }).counts.faster).toBe(records.length)
  })

  test('what only one has, and what did not pass in both, is named', () => {
    const records = makeRecords({ ...small, columns: [1] })
    const result = compareRuns({ records: records.slice(1) }, { records: records.slice(0, -1) })
    expect(result.onlyInA).toEqual([records.at(-1)?.id])
    expect(result.onlyInB).toEqual([records[0]?.id])
    expect(result.counts['not comparable']).toBe(records.filter(({ status }) => status !== 'passed').length)
  })

  test('A/A noise comes from processes, or from halves where there was one each', () => {
    const one = makeRecords(small)
    expect(noiseOf(one)).toMatchObject({ between: 'halves', count: one.length })
    const three = makeRecords({ ...small, processes: 3 })
    const noise = noiseOf(three)!
    expect(noise).toMatchObject({ between: 'processes', count: three.length })
    expect(noise.p95).toBeGreaterThanOrEqual(noise.median)
    expect(noise.median).toBeGreaterThan(1)
    expect(noise.p95).toBeLessThan(1.05)
    expect(noiseOf([])).toBeNull()
  })
})
