import { bsr, csr } from '@nnz/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/kit/random.ts'
import {
  allocate,
  apportion,
  blockMask,
  constantFanInMask,
  countOf,
  entriesIn,
  fullPattern,
  globalMasks,
  highest,
  highestMask,
  isSubset,
  magnitudes,
  nmMask,
  patternAt,
  patternOfFlags,
  positionsOf,
  randomMask,
  randomMasks,
  randomMaskWidthFactor,
  samePattern,
} from '../../src/masks/index.ts'

const SHAPES = [
  [64, 784],
  [32, 64],
  [10, 32],
  [16, 8, 3, 3],
]
const places = (shapes: number[][]) => shapes.flat().length && shapes.map((s) => s.reduce((a, b) => a * b, 1))

describe('row 35: random pruning', () => {
  it.each(['uniform', 'erdos-renyi', 'erk'] as const)('%s hits the global count exactly', (rule) => {
    const sizes = places(SHAPES) as number[]
    const total = sizes.reduce((a, b) => a + b, 0)
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (density) => {
        const counts = allocate(SHAPES, density, rule)
        expect(counts.reduce((a, b) => a + b, 0)).toBe(Math.round(density * total))
        counts.forEach((count, i) => {
          expect(count).toBeGreaterThanOrEqual(0)
          expect(count).toBeLessThanOrEqual(sizes[i])
        })
      }),
    )
  })

  it('ERK follows the published densities', () => {
    // One common factor where no layer is full: density ∝ (sum of extents) / (product of extents).
    const counts = allocate(SHAPES, 0.05, 'erk')
    const raw = SHAPES.map((s) => s.reduce((a, b) => a + b, 0))
    const factor = counts[0] / raw[0]
    for (const i of [0, 1]) expect(Math.abs(counts[i] - factor * raw[i])).toBeLessThan(1.5)
    // Erdős–Rényi leaves the kernel's extents out.
    expect(allocate([[16, 8, 3, 3]], 0.5, 'erdos-renyi')).toEqual([576])
  })

  it('gives what a full layer cannot take to the others', () => {
    const counts = allocate(SHAPES, 0.2, 'erk')
    expect(counts[2]).toBe(320)
    expect(counts[3]).toBeLessThanOrEqual(1152)
  })

  it('masks are uniform and come again from their seed', () => {
    const a = randomMask([40, 50], 300, 7, 2)
    expect(samePattern(a, randomMask([40, 50], 300, 7, 2))).toBe(true)
    expect(samePattern(a, randomMask([40, 50], 300, 8, 2))).toBe(false)
    expect(samePattern(a, randomMask([40, 50], 300, 7, 3))).toBe(false)
    // Each place is kept in a quarter of many masks: 400 draws have a standard deviation of 8.7.
    const kept = new Uint32Array(24)
    for (let seed = 0; seed < 400; seed++) for (const at of positionsOf(randomMask([4, 6], 6, seed))) kept[at]++
    for (const count of kept) expect(Math.abs(count - 100)).toBeLessThan(45)
  })
})

it('row 76: random configurations have equal counts and follow from their seed', () => {
  const counts = allocate(
    [
      [64, 784],
      [10, 64],
    ],
    0.1,
    'erk',
  )
  const drawn = Array.from({ length: 5 }, (_, trial) =>
    randomMasks(
      [
        [64, 784],
        [10, 64],
      ],
      counts,
      1,
      trial,
    ),
  )
  for (const masks of drawn) expect(masks.map(countOf)).toEqual(counts)
  expect(samePattern(drawn[0][0], drawn[1][0])).toBe(false)
  expect(samePattern(randomMasks([[64, 784]], counts, 1, 3)[0], drawn[3][0])).toBe(true)
})

it('row 147: the width factor is 1 / log(1 / sparsity)', () => {
  expect(randomMaskWidthFactor(0.9)).toBeCloseTo(1 / Math.log(1 / 0.9), 12)
  expect(() => randomMaskWidthFactor(1)).toThrow(/between 0 and 1/)
})

describe('patterns', () => {
  const shapeAndFlags = fc
    .tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 1, max: 9 }))
    .chain(([rows, columns]) =>
      fc.tuple(
        fc.constant([rows, columns] as const),
        fc.array(fc.boolean(), { minLength: rows * columns, maxLength: rows * columns }),
      ),
    )

  it('are the structure of the csr layout of their flags', () => {
    fc.assert(
      fc.property(shapeAndFlags, ([shape, flags]) => {
        const pattern = patternOfFlags(shape, flags.map(Number))
        const w = csr.fromDense(flags.map(Number), shape)
        expect(pattern.rowOffsets).toEqual(w.rowOffsets)
        expect(pattern.columnIndices).toEqual(w.columnIndices)
        expect(samePattern(patternAt(shape, positionsOf(pattern)), w)).toBe(true)
        expect(isSubset(pattern, fullPattern(shape))).toBe(true)
      }),
    )
  })

  it('find the entries of one in another', () => {
    const a = patternAt([2, 3], [0, 2, 5])
    const b = patternAt([2, 3], [0, 1, 5])
    expect([...entriesIn(a, b)]).toEqual([0, -1, 2])
    expect(isSubset(a, b)).toBe(false)
    expect(() => entriesIn(a, patternAt([3, 2], []))).toThrow(/one shape/)
  })

  it('refuse positions that do not rise or do not fit', () => {
    expect(() => patternAt([2, 2], [1, 1])).toThrow(/rising/)
    expect(() => patternAt([2, 2], [4])).toThrow(/below 4/)
    expect(() => patternAt([2 ** 20, 2 ** 20], [])).toThrow(/2\^32/)
  })
})

describe('masks by score', () => {
  it('the highest scores, ties in order, NaN refused', () => {
    expect([...highest([3, 1, 3, 2, 3], 2)]).toEqual([0, 2])
    expect([...highest([], 0)]).toEqual([])
    expect(() => highest([1, Number.NaN], 1)).toThrow(/NaN/)
    expect(() => highest([1], 2)).toThrow(/0\.\.1/)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -4, max: 4 })), fc.nat(), (scores, n) => {
        const count = n % (scores.length + 1)
        const chosen = highest(scores, count)
        const order = scores.map((_, i) => i).sort((i, j) => scores[j] - scores[i] || i - j)
        expect([...chosen]).toEqual(order.slice(0, count).sort((i, j) => i - j))
      }),
    )
  })

  it('per layer and over all layers', () => {
    const a = magnitudes([1, -9, 2, 3])
    const b = magnitudes([8, 7, -0.5, 0])
    expect([...positionsOf(highestMask(a, [2, 2], 2))]).toEqual([1, 3])
    const [p, q] = globalMasks(
      [
        { shape: [2, 2], scores: a },
        { shape: [1, 4], scores: b },
      ],
      3,
    )
    expect([...positionsOf(p)]).toEqual([1])
    expect([...positionsOf(q)]).toEqual([0, 1])
  })

  it('N:M keeps n of each m, also in a cut group', () => {
    const random = new Random(1)
    const scores = Float32Array.from({ length: 6 * 10 }, () => random.next())
    const mask = nmMask(scores, [6, 10], 2, 4)
    expect(countOf(mask)).toBe(6 * 6)
    for (let row = 0; row < 6; row++) {
      const columns = [...mask.columnIndices.subarray(mask.rowOffsets[row], mask.rowOffsets[row + 1])]
      for (const group of [0, 1, 2]) expect(columns.filter((c) => Math.floor(c / 4) === group)).toHaveLength(2)
    }
  })

  it('blocks are whole, cut at the edges, and the heaviest', () => {
    const scores = new Float32Array(5 * 7).fill(0.1)
    scores[4 * 7 + 6] = 5
    scores[0] = 3
    const mask = blockMask(scores, [5, 7], [2, 3], 2)
    expect(countOf(mask)).toBe(6 + 1)
    const w = csr({ ...mask, values: new Float32Array(7).fill(1) })
    expect(bsr.fromCsr(w, [2, 3]).columnIndices).toHaveLength(2)
  })

  it('constant fan-in: every row has as many entries', () => {
    const mask = constantFanInMask([30, 17], 5, 3)
    for (let row = 0; row < 30; row++) expect(mask.rowOffsets[row + 1] - mask.rowOffsets[row]).toBe(5)
    csr({ ...mask, values: new Float32Array(150) })
  })
})

describe('apportion', () => {
  it('sums exactly and respects capacities', () => {
    const cases = fc.array(fc.tuple(fc.double({ min: 0, max: 10, noNaN: true }), fc.nat(50)), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(cases, fc.double({ min: 0, max: 1, noNaN: true }), (layers, part) => {
        const capacities = layers.map(([, capacity]) => capacity)
        const total = Math.floor(part * capacities.reduce((a, b) => a + b, 0))
        const counts = apportion(
          total,
          layers.map(([weight]) => weight),
          capacities,
        )
        expect(counts.reduce((a, b) => a + b, 0)).toBe(total)
        counts.forEach((count, i) => {
          expect(count).toBeLessThanOrEqual(capacities[i])
        })
      }),
    )
  })

  it('is in proportion where nothing is full', () => {
    expect(apportion(10, [1, 3], [100, 100])).toEqual([3, 7])
    expect(() => apportion(3, [1], [2])).toThrow(/0\.\.2/)
  })
})

it('random numbers are uniform, of full range and apart between streams', () => {
  const random = new Random(5)
  const buckets = new Uint32Array(16)
  for (let i = 0; i < 16_000; i++) buckets[Math.floor(random.next() * 16)]++
  // Chi-squared with 15 degrees of freedom is above 37.7 once in a thousand.
  const chi = buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
  expect(chi).toBeLessThan(37.7)
  const normals = Float64Array.from({ length: 10_000 }, () => random.normal())
  const mean = normals.reduce((a, b) => a + b, 0) / 10_000
  expect(Math.abs(mean)).toBeLessThan(0.05)
  expect(Math.abs(normals.reduce((a, b) => a + (b - mean) ** 2, 0) / 10_000 - 1)).toBeLessThan(0.06)
  const firsts = new Set(Array.from({ length: 1000 }, (_, i) => new Random(0, i).bits()))
  expect(firsts.size).toBe(1000)
  expect(new Set(new Random(9).sample(20, 20)).size).toBe(20)
  expect(() => new Random(-1)).toThrow(/whole numbers/)
})
