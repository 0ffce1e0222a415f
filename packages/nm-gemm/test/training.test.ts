import { tensor, transposed } from '@nnz/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  flipRate,
  gradientFlow,
  magnitudeMask,
  maskedGradient,
  mvue,
  mvue24,
  project,
  softScale,
  transposableMask24,
} from '../src/training/index.ts'
import { mostInGroup, randomMatrix, seeded, transposedArray } from './training-support.ts'

const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 })
const problems = fc
  .record({
    rows: fc.integer({ min: 0, max: 6 }),
    columns: fc.integer({ min: 0, max: 19 }),
    m: fc.integer({ min: 1, max: 9 }),
  })
  .chain(({ rows, columns, m }) =>
    fc.record({
      shape: fc.constant([rows, columns] as const),
      n: fc.integer({ min: 1, max: m }),
      m: fc.constant(m),
      data: fc.array(finite, { minLength: rows * columns, maxLength: rows * columns }),
    }),
  )

describe('project', () => {
  test('always gives an N:M matrix, hard and soft (rows 7 and 21)', () => {
    fc.assert(
      fc.property(problems, ({ shape, n, m, data }) => {
        const w = tensor(data, shape)
        for (const kind of ['hard', 'soft'] as const)
          expect(mostInGroup(project(w, { n, m, kind }).data, shape, m)).toBeLessThanOrEqual(n)
      }),
    )
  })

  test('hard removes the smallest magnitudes, and the more the smaller n is (row 16)', () => {
    fc.assert(
      fc.property(problems, ({ shape, m, data }) => {
        const [rows, columns] = shape
        let previous = -1
        for (let n = 1; n <= m; n++) {
          const mask = magnitudeMask(tensor(data, shape), { n, m })
          const kept = mask.reduce((sum, one) => sum + one, 0)
          expect(kept).toBeGreaterThanOrEqual(previous)
          previous = kept
          for (let row = 0; row < rows; row++)
            for (let start = row * columns; start < (row + 1) * columns; start += m) {
              const group = Array.from({ length: Math.min(m, (row + 1) * columns - start) }, (_, i) => start + i)
              const magnitude = (is: number) => group.filter((i) => mask[i] === is).map((i) => Math.abs(data[i]))
              expect(magnitude(1)).toHaveLength(Math.min(n, group.length))
              expect(Math.min(Number.POSITIVE_INFINITY, ...magnitude(1))).toBeGreaterThanOrEqual(
                Math.max(0, ...magnitude(0)),
              )
            }
        }
        expect(previous).toBe(rows * columns)
      }),
    )
  })

  test('of equal magnitudes the lower column stays', () => {
    expect([...magnitudeMask(tensor([1, -1, 1, -1], [1, 4]), { n: 2, m: 4 })]).toEqual([1, 1, 0, 0])
  })

  test('soft is continuous where the second and third magnitudes cross, hard is not (row 7)', () => {
    const jump = (kind: 'hard' | 'soft', apart: number) => {
      const [before, after] = [-apart, apart].map(
        (shift) => project(tensor([3, 1 + shift, -1, 0.5], [1, 4]), { n: 2, m: 4, kind }).data,
      )
      return Math.hypot(...before.map((value, i) => value - after[i]))
    }
    expect(jump('soft', 1e-4)).toBeLessThan(1e-3)
    expect(jump('soft', 1e-6)).toBeLessThan(1e-5)
    expect(jump('hard', 1e-6)).toBeGreaterThan(1)
  })

  test('soft subtracts the third magnitude, then scales', () => {
    const { data } = project(tensor([4, -1, 2, -3, 5, 5, 5, -6], [2, 4]), { n: 2, m: 4, kind: 'soft', scale: 2 })
    expect([...data]).toEqual([4, 0, 0, -2, 0, 0, 0, -2])
  })

  test('soft with n = m changes nothing', () => {
    const w = randomMatrix(3, 10, seeded(1))
    expect([...project(w, { n: 4, m: 4, kind: 'soft' }).data]).toEqual([...w.data])
  })

  test('softScale makes the distance least, and a fixed scale does not follow the weights (row 7)', () => {
    const w = randomMatrix(8, 16, seeded(2))
    const pattern = { n: 2, m: 4 }
    const scale = softScale(w, pattern)
    const distance = (factor: number) => {
      const { data } = project(w, { ...pattern, kind: 'soft', scale: factor })
      return Math.hypot(...data.map((value, i) => value - w.data[i]))
    }
    expect(scale).toBeGreaterThan(1)
    expect(distance(scale)).toBeLessThan(distance(scale * 1.05))
    expect(distance(scale)).toBeLessThan(distance(scale * 0.95))
    const moved = tensor(
      w.data.map((value) => 3 * value),
      w.shape,
    )
    const before = project(w, { ...pattern, kind: 'soft', scale }).data
    const after = project(moved, { ...pattern, kind: 'soft', scale }).data
    for (let i = 0; i < before.length; i++) expect(after[i]).toBeCloseTo(3 * before[i], 4)
    expect(softScale(tensor([0, 0, 0, 0], [1, 4]), pattern)).toBe(1)
  })

  test('reads views', () => {
    const w = randomMatrix(6, 8, seeded(3))
    const view = transposed(w)
    const copy = tensor(Float32Array.from(transposedArray(w.data, w.shape)), view.shape)
    expect(project(view, { n: 1, m: 4 }).data).toEqual(project(copy, { n: 1, m: 4 }).data)
  })

  test('refuses what cannot be compared', () => {
    const pattern = { n: 2, m: 4 }
    expect(() => project(tensor([1, Number.NaN], [1, 2]), pattern)).toThrow(
      'project: w: expected finite elements, got NaN in row 0, column 1',
    )
    expect(() => project(tensor([1, 2], [2, 1]), { n: 5, m: 4 })).toThrow(
      'project: expected n to be a whole number in 1..4, got 5',
    )
    expect(() => magnitudeMask(tensor([1], [1, 1]), { n: 1, m: 33 })).toThrow(RangeError)
    expect(() => project([1] as never, pattern)).toThrow(TypeError)
    expect(() => project(tensor([1], [1, 1]), { ...pattern, kind: 'firm' as never })).toThrow('"hard" or "soft"')
  })
})

describe('maskedGradient', () => {
  const w = tensor([1, -2, 3, -4], [1, 4])
  const dW = tensor([0.5, 0.5, 0.5, 0.5], [1, 4])
  const mask = Uint8Array.of(0, 0, 1, 1)

  test('reaches kept weights as it is, and pruned ones as the options say', () => {
    expect([...maskedGradient(dW, w, mask).data]).toEqual([0.5, 0.5, 0.5, 0.5])
    expect([...maskedGradient(dW, w, mask, { decay: 0.25 }).data]).toEqual([0.75, 0, 0.5, 0.5])
    expect([...maskedGradient(dW, w, mask, { shrink: 0.25 }).data]).toEqual([0.75, 0.25, 0.5, 0.5])
    expect([...maskedGradient(dW, w, mask, { flow: 0 }).data]).toEqual([0, 0, 0.5, 0.5])
  })

  test('what reaches pruned weights is flow times the dense gradient, and falls to nothing (row 21)', () => {
    for (const schedule of ['linear', 'cosine'] as const) {
      const flow = gradientFlow({ steps: 10, schedule })
      let previous = 1
      for (let step = 0; step <= 12; step++) {
        const share = flow(step)
        const { data } = maskedGradient(dW, w, mask, { flow: share })
        for (let i = 0; i < 4; i++) expect(data[i]).toBeCloseTo(mask[i] ? 0.5 : 0.5 * share, 6)
        expect(share).toBeLessThanOrEqual(previous)
        previous = share
      }
      expect(flow(0)).toBe(1)
      expect(flow(10)).toBe(0)
      expect(previous).toBe(0)
    }
  })

  test('refuses what does not fit', () => {
    expect(() => maskedGradient(dW, tensor([1, 2], [1, 2]), mask)).toThrow('dW is [1, 4], expected [1, 2]')
    expect(() => maskedGradient(dW, w, Uint8Array.of(1))).toThrow('mask has 1 elements, expected 4')
    expect(() => maskedGradient(dW, w, [1, 1, 1, 1] as never)).toThrow(TypeError)
    expect(() => maskedGradient(dW, w, mask, { flow: 1.5 })).toThrow('flow to be a number in 0..1, got 1.5')
    expect(() => maskedGradient(dW, w, mask, { decay: Number.NaN })).toThrow(RangeError)
    expect(() => gradientFlow({ steps: 0 })).toThrow(RangeError)
    for (const schedule of ['linear', 'cosine'] as const)
      expect(() => gradientFlow({ steps: 2, schedule })(Number.NaN)).toThrow(
        'gradientFlow: expected step to be a number, got NaN',
      )
  })
})

describe('flipRate', () => {
  test('is the share of ones in the exclusive or of two masks (row 56)', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(0, 1)), { maxLength: 50 }), (pairs) => {
        const flips = pairs.filter(([a, b]) => (a ^ b) === 1).length
        const [a, b] = [0, 1].map((side) => Uint8Array.from(pairs, (pair) => pair[side]))
        expect(flipRate(a, b)).toBe(pairs.length === 0 ? 0 : flips / pairs.length)
      }),
    )
    expect(() => flipRate(Uint8Array.of(1), Uint8Array.of(1, 0))).toThrow('b has 2 elements, expected 1')
    expect(() => flipRate([1] as never, Uint8Array.of(1))).toThrow(TypeError)
  })
})

/** Every 4x4 pattern with two ones in each row and column. */
const patterns = Array.from({ length: 2 ** 16 }, (_, bits) => bits).filter((bits) =>
  [0, 1, 2, 3].every((line) => {
    const ones = (at: (i: number) => number) => [0, 1, 2, 3].filter((i) => (bits >> at(i)) & 1).length
    return ones((i) => 4 * line + i) === 2 && ones((i) => 4 * i + line) === 2
  }),
)

describe('transposableMask24', () => {
  test('keeps as much as the best of the 90 patterns (row 56)', () => {
    expect(patterns).toHaveLength(90)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 16, maxLength: 16 }), (block) => {
        const mask = transposableMask24(tensor(block, [4, 4]))
        const kept = (bits: number) => block.reduce((sum, value, i) => sum + ((bits >> i) & 1 ? Math.abs(value) : 0), 0)
        const bits = mask.reduce((sum, one, i) => sum | (one << i), 0)
        expect(patterns).toContain(bits)
        expect(kept(bits)).toBe(Math.max(...patterns.map(kept)))
      }),
      { numRuns: 1000 },
    )
  })

  test('finds each of the 90 patterns', () => {
    for (const bits of patterns) {
      const block = Float32Array.from({ length: 16 }, (_, i) => ((bits >> i) & 1 ? -1 : 0.5))
      const mask = transposableMask24(tensor(block, [4, 4]))
      expect(mask.reduce((sum, one, i) => sum | (one << i), 0)).toBe(bits)
    }
  })

  test('treats blocks apart, and edges as if zeros followed', () => {
    for (const shape of [
      [8, 12],
      [7, 10],
      [1, 3],
      [5, 1],
      [0, 4],
    ]) {
      const [rows, columns] = shape
      const w = randomMatrix(rows, columns, seeded(4))
      const mask = transposableMask24(w)
      expect(mask).toHaveLength(rows * columns)
      expect(mostInGroup(mask, shape, 4)).toBeLessThanOrEqual(2)
      expect(mostInGroup(transposedArray(mask, shape), [columns, rows], 4)).toBeLessThanOrEqual(2)
      const wide = [4 * Math.ceil(rows / 4), 4 * Math.ceil(columns / 4)]
      const padded = new Float32Array(wide[0] * wide[1])
      for (let i = 0; i < mask.length; i++) padded[Math.floor(i / columns) * wide[1] + (i % columns)] = w.data[i]
      const whole = transposableMask24(tensor(padded, wide))
      for (let i = 0; i < mask.length; i++)
        expect(mask[i]).toBe(whole[Math.floor(i / columns) * wide[1] + (i % columns)])
    }
  })

  test('refuses NaN', () => {
    expect(() => transposableMask24(tensor([Number.POSITIVE_INFINITY], [1, 1]))).toThrow(
      'transposableMask24: w: expected finite elements, got Infinity in row 0, column 0',
    )
  })
})

describe('mvue', () => {
  test('the mean of many estimates is the gradient, and their variance the least possible (row 7)', () => {
    const g = tensor([4, -1, 0.5, 0, 1, 1, -1, 1, 1e-3, 100, 0, -2, 0, 0, 3, 0, 5, 6, -7], [1, 19])
    const random = seeded(5)
    const draws = 40_000
    const sum = new Float64Array(19)
    const squares = new Float64Array(19)
    for (let draw = 0; draw < draws; draw++) {
      const { data } = mvue24(g, random)
      expect(mostInGroup(data, g.shape, 4)).toBeLessThanOrEqual(2)
      for (let i = 0; i < 19; i++) {
        sum[i] += data[i]
        squares[i] += data[i] ** 2
      }
    }
    // Kept with probability p as g / p, an element varies by g² (1 / p - 1).
    const chances = [
      ...[1, 1 / 1.5, 0.5 / 1.5, 1],
      ...[0.5, 0.5, 0.5, 0.5],
      ...[1e-3 / 2.001, 1, 1, 2 / 2.001],
      ...[1, 1, 1, 1],
      ...[10 / 18, 12 / 18, 14 / 18],
    ]
    for (let i = 0; i < 19; i++) {
      const mean = sum[i] / draws
      const variance = g.data[i] ** 2 * (1 / chances[i] - 1)
      expect(Math.abs(mean - g.data[i]), `mean ${i}`).toBeLessThanOrEqual(4 * Math.sqrt(variance / draws) + 1e-6)
      // The variance of the rarest is itself too uncertain to be compared.
      if (chances[i] > 0.01)
        expect(squares[i] / draws - mean ** 2, `variance ${i}`).toBeCloseTo(variance, variance > 5 ? 0 : 1)
    }
  })

  test('is N:M for every n and m, and keeps what is N:M already', () => {
    fc.assert(
      fc.property(problems, fc.integer(), ({ shape, n, m, data }, seed) => {
        const g = tensor(data, shape)
        expect(mostInGroup(mvue(g, { n, m, random: seeded(seed) }).data, shape, m)).toBeLessThanOrEqual(n)
        const sparse = project(g, { n, m })
        expect(mvue(sparse, { n, m, random: seeded(seed) }).data).toEqual(sparse.data)
      }),
    )
  })

  test('the same seed gives the same estimate', () => {
    const g = randomMatrix(5, 12, seeded(6))
    expect(mvue24(g, seeded(7)).data).toEqual(mvue24(g, seeded(7)).data)
    expect(mvue24(g, seeded(7)).data).not.toEqual(mvue24(g, seeded(8)).data)
  })

  test('elements that are almost nothing keep their chance', () => {
    const g = tensor([1e30, 1e30, 1e-30, -1e-30], [1, 4])
    const { data } = mvue24(g, () => 0.5)
    expect([...data].every(Number.isFinite)).toBe(true)
    expect(data[0]).toBeCloseTo(Math.fround(1e30), -25)
  })

  test('refuses what does not fit', () => {
    expect(() => mvue24(tensor([1], [1, 1]), 0.5 as never)).toThrow(TypeError)
    expect(() => mvue24(tensor([Number.NaN], [1, 1]), Math.random)).toThrow(RangeError)
    for (const drawn of [Number.NaN, 1, -0.1, '0.5', undefined]) {
      const draw = () => mvue24(tensor([1, 2, 3, 4], [1, 4]), () => drawn as number)
      expect(draw).toThrow(RangeError)
      expect(draw).toThrow('mvue24: expected random to give numbers in [0, 1), got')
    }
  })
})

describe('training a least-squares problem towards 2:4', () => {
  const pattern = { n: 2, m: 4 }
  const random = seeded(9)
  const [outputs, inputs, samples] = [8, 16, 64]
  const x = randomMatrix(samples, inputs, random)
  const target = project(randomMatrix(outputs, inputs, random), pattern)

  /** Gradient of half the mean squared error of the product with `used`, and the error itself. */
  function gradient(used: Float32Array) {
    const dW = new Float32Array(used.length)
    let loss = 0
    for (let s = 0; s < samples; s++)
      for (let o = 0; o < outputs; o++) {
        let error = 0
        for (let i = 0; i < inputs; i++)
          error += (used[o * inputs + i] - target.data[o * inputs + i]) * x.data[s * inputs + i]
        loss += error ** 2 / (2 * samples)
        for (let i = 0; i < inputs; i++) dW[o * inputs + i] += (error * x.data[s * inputs + i]) / samples
      }
    return { dW: tensor(dW, [outputs, inputs]), loss }
  }

  test('masks are valid at every step and flip less and less; nothing is lost in the final cut (rows 6 and 17)', () => {
    const w = randomMatrix(outputs, inputs, random)
    const flips: number[] = []
    const distances: number[] = []
    let mask = magnitudeMask(w, pattern)
    const flow = gradientFlow({ steps: 300 })
    for (let step = 0; step < 400; step++) {
      const cut = project(w, pattern)
      distances.push(Math.hypot(...w.data.map((value, i) => value - cut.data[i])))
      const { dW } = gradient(cut.data)
      const now = magnitudeMask(w, pattern)
      expect(mostInGroup(now, w.shape, 4)).toBe(2)
      flips.push(flipRate(mask, now))
      mask = now
      const g = maskedGradient(dW, w, mask, { flow: flow(step), decay: 0.05 }).data
      for (let i = 0; i < g.length; i++) w.data[i] -= 0.3 * g[i]
    }
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    expect(mean(flips.slice(1, 100))).toBeGreaterThan(0)
    expect(mean(flips.slice(-100))).toBe(0)
    expect(distances.at(-1)!).toBeLessThan(0.2 * distances[0])
    expect(gradient(project(w, pattern).data).loss).toBeLessThan(0.5 * gradient(new Float32Array(w.data.length)).loss)
  })
})
