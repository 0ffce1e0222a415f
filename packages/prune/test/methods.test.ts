import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countKept, dsnot, keptOf, magnitude, type Pattern, type PrunedLayer, wanda } from '../src/index.ts'
import { moments, randomInputs, randomLayer, rowErrors, sum } from './support/layers.ts'

const PATTERNS: Pattern[] = [
  { kind: 'unstructured' },
  { kind: 'nm', n: 2, m: 4 },
  { kind: 'grouped-nm', n: 2, m: 4, group: 2 },
  { kind: 'block', height: 4, width: 2 },
  { kind: 'column-vector', height: 4 },
]

/** Kept weights are those of the layer, bit by bit; the others are +0. */
function expectUntouched(before: Float32Array, { weights, mask }: PrunedLayer): void {
  const expected = before.map((weight, i) => (mask[i] ? weight : 0))
  expect(new Uint32Array(weights.buffer)).toEqual(new Uint32Array(expected.buffer))
}

describe.each(PATTERNS)('at $kind', (pattern) => {
  const layer = randomLayer(24, 40, 3)
  const x = randomInputs(64, 40, 4)
  const statistics = moments(x, 40)

  it('magnitude and Wanda keep exact numbers of weights as they are', () => {
    for (const sparsity of [0, 0.3, 0.5, 0.9, 1]) {
      for (const pruned of [magnitude(layer, { pattern, sparsity }), wanda(layer, statistics, { pattern, sparsity })]) {
        expectUntouched(layer.weights, pruned)
        const fixed = pattern.kind === 'nm' || pattern.kind === 'grouped-nm'
        // All extents divide, so that units have one size.
        expect(countKept(pruned.mask)).toBe(keptOf(layer.weights.length, fixed ? 0.5 : sparsity))
      }
    }
  })

  it('Wanda loses less of the output than magnitude, with the same number in each row', () => {
    const options = { pattern, sparsity: 0.5, scope: 'row' } as const
    const byNorm = sum(rowErrors(layer, wanda(layer, statistics, options).weights, x))
    const byMagnitude = sum(rowErrors(layer, magnitude(layer, options).weights, x))
    expect(byNorm).toBeLessThan(byMagnitude)
  })
})

describe('magnitude', () => {
  it('removes the smallest magnitudes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.double({ min: 0, max: 1, noNaN: true }), (seed, sparsity) => {
        const layer = randomLayer(7, 13, seed)
        const { mask } = magnitude(layer, { sparsity })
        const sizes = (kept: number) => [...layer.weights].map(Math.abs).filter((_, i) => mask[i] === kept)
        expect(Math.max(0, ...sizes(0))).toBeLessThanOrEqual(Math.min(Number.POSITIVE_INFINITY, ...sizes(1)))
      }),
    )
  })

  it('takes a number instead of a sparsity, and refuses both or neither', () => {
    const layer = randomLayer(3, 5, 1)
    expect(countKept(magnitude(layer, { kept: 4 }).mask)).toBe(4)
    expect(() => magnitude(layer, {})).toThrow('expected either sparsity or kept')
    expect(() => magnitude(layer, { kept: 1, sparsity: 0 })).toThrow('expected either sparsity or kept')
    expect(() => magnitude(layer, { sparsity: 1.5 })).toThrow('expected a sparsity in 0..1, got 1.5')
    expect(() => magnitude(layer, { sparsity: Number.NaN })).toThrow('got NaN')
  })

  it('refuses weights that are no matrix of finite numbers', () => {
    const weights = Float32Array.of(1, 2, Number.NaN, 4)
    expect(() => magnitude({ weights, rows: 2, columns: 2 }, { kept: 1 })).toThrow('row 1, column 0: expected a finite')
    expect(() => magnitude({ weights, rows: 2, columns: 3 }, { kept: 1 })).toThrow('takes 6 weights, got 4')
    expect(() => magnitude({ weights: [1] as never, rows: 1, columns: 1 }, { kept: 1 })).toThrow(TypeError)
  })
})

describe('wanda', () => {
  it('is the best mask of each row where inputs are not correlated', () => {
    const columns = 8
    const layer = randomLayer(6, columns, 5)
    // One token for each input: the Gram matrix is diagonal.
    const x = Float32Array.from({ length: columns * columns }, (_, i) => (i % (columns + 1) === 0 ? 1 + i / 7 : 0))
    const errors = rowErrors(layer, wanda(layer, moments(x, columns), { sparsity: 0.5 }).weights, x)
    for (let bits = 0; bits < 1 << columns; bits++) {
      const mask = Array.from({ length: columns }, (_, i) => (bits >> i) & 1)
      if (sum(mask) !== columns / 2) continue
      const other = rowErrors(
        layer,
        layer.weights.map((weight, i) => weight * mask[i % columns]),
        x,
      )
      errors.forEach((error, row) => {
        expect(error).toBeLessThanOrEqual(other[row] * (1 + 1e-6))
      })
    }
  })

  it('with equal norms is magnitude', () => {
    const layer = randomLayer(6, 10, 6)
    const statistics = { squaredNorms: new Float64Array(10).fill(4) }
    expect(wanda(layer, statistics, { sparsity: 0.7 }).mask).toEqual(
      magnitude(layer, { sparsity: 0.7, scope: 'row' }).mask,
    )
  })

  it('refuses norms that do not fit', () => {
    const layer = randomLayer(2, 3, 1)
    expect(() => wanda(layer, { squaredNorms: Float64Array.of(1, 2) }, { kept: 1 })).toThrow(
      'expected 3 numbers, one for each input, got 2',
    )
    expect(() => wanda(layer, { squaredNorms: Float64Array.of(1, 2, -1) }, { kept: 1 })).toThrow(RangeError)
    expect(() => wanda(layer, {} as never, { kept: 1 })).toThrow(TypeError)
  })
})

describe('dsnot', () => {
  it('lowers the error of no row below what it was, with kept weights and numbers as they were', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.constantFrom(0.3, 0.5, 0.7, 0.9), (seed, sparsity) => {
        const [rows, columns] = [6, 24]
        const layer = randomLayer(rows, columns, seed)
        const x = randomInputs(48, columns, seed)
        const statistics = moments(x, columns)
        const before = wanda(layer, statistics, { sparsity })
        const after = dsnot(layer, before.mask, statistics)
        expectUntouched(layer.weights, after)
        const [old, now] = [before, after].map(({ weights }) => rowErrors(layer, weights, x))
        now.forEach((error, row) => {
          expect(error).toBeLessThanOrEqual(old[row] * (1 + 1e-5))
        })
        for (let row = 0; row < rows; row++) {
          const counts = [before, after].map(({ mask }) => countKept(mask.subarray(row * columns, (row + 1) * columns)))
          expect(counts[1]).toBe(counts[0])
        }
      }),
      { numRuns: 40 },
    )
  })

  it('lowers the error of the whole layer clearly', () => {
    const layer = randomLayer(32, 64, 8)
    const x = randomInputs(128, 64, 9)
    const statistics = moments(x, 64)
    const before = wanda(layer, statistics, { sparsity: 0.7 })
    const errors = [before, dsnot(layer, before.mask, statistics)].map(({ weights }) =>
      sum(rowErrors(layer, weights, x)),
    )
    expect(errors[1]).toBeLessThan(0.9 * errors[0])
  })

  it('exchanges inside the groups of an N:M mask', () => {
    const layer = randomLayer(16, 32, 10)
    const x = randomInputs(64, 32, 11)
    const statistics = moments(x, 32)
    const before = wanda(layer, statistics, { pattern: { kind: 'nm', n: 2, m: 4 } })
    const { mask } = dsnot(layer, before.mask, statistics, { within: 4 })
    expect(mask).not.toEqual(before.mask)
    for (let i = 0; i < mask.length; i += 4) expect(countKept(mask.subarray(i, i + 4))).toBe(2)
  })

  it('tries nothing in no cycles, and refuses what does not fit', () => {
    const layer = randomLayer(2, 4, 1)
    const mask = Uint8Array.of(1, 0, 1, 0, 0, 1, 0, 1)
    const statistics = moments(randomInputs(8, 4, 2), 4)
    expect(dsnot(layer, mask, statistics, { cycles: 0 }).mask).toEqual(mask)
    expect(() => dsnot(layer, mask, { ...statistics, gram: undefined })).toThrow(
      'expected a Gram matrix of 16 elements',
    )
    expect(() => dsnot(layer, mask, { ...statistics, means: undefined as never })).toThrow(TypeError)
    expect(() => dsnot(layer, mask.subarray(1), statistics)).toThrow('mask has 7 elements, expected 8')
    expect(() => dsnot(layer, mask, statistics, { within: 0 })).toThrow('within to be a whole number from 1 on, got 0')
  })
})
