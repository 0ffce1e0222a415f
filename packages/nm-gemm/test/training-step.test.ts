import { js, nm, type Tensor, tensor, transposed } from '@nnz/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nmGemm } from '../src/index.ts'
import { flipRate, maskedGradient, project, trainStep24, transposableMask24 } from '../src/training/index.ts'
import { pack24 } from '../src/training/pack24.ts'
import { mostInGroup, randomMatrix, seeded, transposedArray } from './training-support.ts'

/** a·b in f64 by plain loops. */
function product(a: ArrayLike<number>, [m, k]: readonly number[], b: ArrayLike<number>, n: number): Float64Array {
  const result = new Float64Array(m * n)
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) for (let at = 0; at < k; at++) result[i * n + j] += a[i * k + at] * b[at * n + j]
  return result
}

function expectClose({ data }: Tensor, expected: ArrayLike<number>, digits = 4): void {
  expect(data).toHaveLength(expected.length)
  for (let i = 0; i < expected.length; i++) expect(data[i], `element ${i}`).toBeCloseTo(expected[i], digits)
}

/** The three products with dense masked weights. */
function masked(w: Tensor, mask: Uint8Array, x: Tensor, dY: Tensor) {
  const [m, k] = w.shape
  const n = x.shape[1]
  const kept = w.data.map((value, i) => value * mask[i])
  return {
    y: product(kept, [m, k], x.data, n),
    dX: product(transposedArray(kept, [m, k]), [k, m], dY.data, n),
    dW: product(dY.data, [m, n], transposedArray(x.data, [k, n]), k),
  }
}

describe('trainStep24', () => {
  const random = seeded(21)

  test.each([
    [16, 32, 24],
    [24, 8, 64],
    [7, 10, 5],
    [5, 3, 1],
  ])('is the autograd of dense masked weights, %i x %i times %i columns (rows 6 and 56)', (m, k, n) => {
    const [w, x, dY] = [randomMatrix(m, k, random), randomMatrix(k, n, random), randomMatrix(m, n, random)]
    for (const backend of [undefined, js]) {
      const step = trainStep24(w, x, { backend })
      expect(step.mask).toEqual(transposableMask24(w))
      const expected = masked(w, step.mask, x, dY)
      expectClose(step.y, expected.y)
      const { dX, dW } = step.backward(dY)
      expectClose(dX, expected.dX)
      expectClose(dW, expected.dW)
    }
  })

  test('dW from the estimate: exact where dY is 2:4, and dW in the mean of many draws (row 7)', () => {
    const [w, x, dY] = [randomMatrix(8, 12, random), randomMatrix(12, 16, random), randomMatrix(8, 16, random)]
    const sparse = project(dY, { n: 2, m: 4 })
    const expected = masked(w, transposableMask24(w), x, sparse)
    expectClose(trainStep24(w, x, { random }).backward(sparse).dW, expected.dW)

    const step = trainStep24(w, x, { random })
    const draws = 3000
    const sum = new Float64Array(96)
    const squares = new Float64Array(96)
    for (let draw = 0; draw < draws; draw++)
      step.backward(dY).dW.data.forEach((value, i) => {
        sum[i] += value
        squares[i] += value ** 2
      })
    const dense = masked(w, step.mask, x, dY).dW
    for (let i = 0; i < 96; i++) {
      const mean = sum[i] / draws
      const deviation = Math.sqrt((squares[i] / draws - mean ** 2) / draws)
      expect(Math.abs(mean - dense[i])).toBeLessThan(5 * deviation + 1e-6)
    }
    // One draw is an estimate, not the gradient.
    expect(Math.abs(step.backward(dY).dW.data[0] - dense[0])).toBeGreaterThan(1e-6)
  })

  test('takes a mask along rows only, and views', () => {
    const [w, x, dY] = [randomMatrix(8, 12, random), randomMatrix(6, 12, random), randomMatrix(6, 8, random)]
    const mask = project(w, { n: 2, m: 4 }).data.map((value) => (value === 0 ? 0 : 1))
    const step = trainStep24(w, transposed(x), { mask: Uint8Array.from(mask) })
    const { dX, dW } = step.backward(transposed(dY))
    const copy = (view: Tensor) =>
      tensor(Float32Array.from(transposedArray(view.data, view.shape)), [...view.shape].reverse())
    const expected = masked(w, step.mask, copy(x), copy(dY))
    expectClose(step.y, expected.y)
    expectClose(dX, expected.dX)
    expectClose(dW, expected.dW)
  })

  test('a plan does the same, step after step, also where groups of the mask are not full', () => {
    const [m, k, n] = [8, 14, 12]
    const mask = transposableMask24(randomMatrix(m, k, random))
    mask.fill(0, 0, 6)
    const plan = trainStep24.plan(mask, [m, k], { columns: n })
    for (let i = 0; i < 3; i++) {
      const [w, x, dY] = [randomMatrix(m, k, random), randomMatrix(k, n - i, random), randomMatrix(m, n - i, random)]
      const step = plan.step(w, x)
      const expected = masked(w, mask, x, dY)
      expect(step.mask).toEqual(mask)
      expectClose(step.y, expected.y)
      const { dX, dW } = step.backward(dY)
      expectClose(dX, expected.dX)
      expectClose(dW, expected.dW)
    }
    const w = randomMatrix(m, k, random)
    expect(() => plan.step(randomMatrix(m, k + 1, random), w)).toThrow('trainStep24: w is [8, 15], expected [8, 14]')
    plan.dispose()
    expect(() => plan.step(w, randomMatrix(k, n, random))).toThrow(TypeError)
  })

  test('a step of a plan has no backward once there is another, and its mask is a copy', () => {
    const mask = Uint8Array.of(1, 1, 0, 0, 0, 0, 1, 1)
    const plan = trainStep24.plan(mask, [2, 4], { columns: 3 })
    const [w, x, dY] = [randomMatrix(2, 4, random), randomMatrix(4, 3, random), randomMatrix(2, 3, random)]
    const first = plan.step(w, x)
    first.mask.fill(0)
    const second = plan.step(w, x)
    expect(second.mask).toEqual(mask)
    expectClose(second.y, masked(w, mask, x, dY).y)
    expect(() => first.backward(dY)).toThrow(
      'trainStep24: backward of step 1 after step 2: the plan holds the weights of the last step only',
    )
    expectClose(second.backward(dY).dX, masked(w, mask, x, dY).dX)
    expect(() => plan.step(w, randomMatrix(3, 3, random))).toThrow(RangeError)
    expect(() => second.backward(dY)).toThrow('backward of step 2 after step 3')
    plan.dispose()
  })

  test.each([
    [undefined, TypeError, 'trainStep24.plan: expected a shape such as [rows, columns], got undefined'],
    [[8], RangeError, 'trainStep24.plan: expected a shape [rows, columns] of whole numbers >= 0, got [8]'],
    [[-2, -4], RangeError, 'trainStep24.plan: expected a shape [rows, columns] of whole numbers >= 0, got [-2, -4]'],
  ])('a plan of shape %s is refused', (shape, kind, message) => {
    const make = () => trainStep24.plan(new Uint8Array(8), shape as number[], { columns: 1 })
    expect(make).toThrow(kind)
    expect(make).toThrow(message)
  })

  test('refuses what does not fit', () => {
    const [w, x] = [randomMatrix(4, 8, random), randomMatrix(8, 3, random)]
    expect(() => trainStep24(w, randomMatrix(7, 3, random))).toThrow(RangeError)
    expect(() => trainStep24(w, x, { mask: new Uint8Array(31) })).toThrow(
      'trainStep24: mask has 31 elements, expected 32',
    )
    expect(() => trainStep24(w, x, { mask: new Uint8Array(32).fill(1) })).toThrow(RangeError)
    expect(() => trainStep24(w, x).backward(randomMatrix(4, 4, random))).toThrow(
      'trainStep24: dY is [4, 4], expected [4, 3]',
    )
  })

  test('trains a layer to what a 2:4 layer can do, and its mask comes to rest (rows 17 and 56)', () => {
    const [outputs, inputs, samples] = [8, 16, 64]
    const x = randomMatrix(inputs, samples, random)
    const teacher = randomMatrix(outputs, inputs, random)
    const mask = transposableMask24(teacher)
    const target = product(
      teacher.data.map((value, i) => value * mask[i]),
      teacher.shape,
      x.data,
      samples,
    )
    const w = randomMatrix(outputs, inputs, random)
    const losses: number[] = []
    const flips: number[] = []
    let last: Uint8Array = transposableMask24(w)
    for (let step = 0; step < 400; step++) {
      const forward = trainStep24(w, x, { random })
      expect(mostInGroup(forward.mask, w.shape, 4)).toBeLessThanOrEqual(2)
      flips.push(flipRate(last, forward.mask))
      last = forward.mask
      const error = forward.y.data.map((value, i) => (value - target[i]) / samples)
      losses.push(error.reduce((sum, value) => sum + value ** 2, 0))
      const { dW } = forward.backward(tensor(error, forward.y.shape))
      const g = maskedGradient(dW, w, forward.mask, { decay: 0.02 }).data
      for (let i = 0; i < g.length; i++) w.data[i] -= 0.4 * g[i]
    }
    const sum = (values: number[]) => values.reduce((all, value) => all + value, 0)
    expect(sum(losses.slice(-20)) / 20).toBeLessThan(0.35 * losses[0])
    expect(sum(flips.slice(-100))).toBeLessThan(0.5 * sum(flips.slice(0, 100)))
  })
})

test('what is 2:4 already is packed as it is', () => {
  const group = fc.tuple(
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: -2, max: 2 }),
    fc.constantFrom(-1, 0, 3),
  )
  fc.assert(
    fc.property(fc.array(group, { maxLength: 12 }), fc.boolean(), (groups, odd) => {
      const data = new Float32Array(4 * groups.length)
      for (const [i, [a, b, x, y]] of groups.entries()) {
        data[4 * i + a] = x
        data[4 * i + b] = y
      }
      const half = groups.length / 2
      const shape = odd || !Number.isInteger(half) ? [1, data.length] : [2, 4 * half]
      const packed = pack24(data, shape)
      expect(packed.nnz).toBe(2 * groups.length)
      expect(nm.toDense(packed)).toEqual(data)
    }),
  )
  expect([...nm.toDense(pack24(Float32Array.of(0, 5, 0, 6, 7), [1, 5]))]).toEqual([0, 5, 0, 6, 7])
})

test('weights scaled by rows and columns keep their support and their form: merged equals unmerged (row 67)', () => {
  const random = seeded(22)
  const [w, x] = [randomMatrix(8, 16, random), randomMatrix(16, 5, random)]
  const [byRow, byColumn] = [randomMatrix(1, 8, random).data, randomMatrix(1, 16, random).data]
  const packed = nm.fromDense(w.data, w.shape, { n: 1, m: 4 })
  const columns = nm.columnIndices(packed)
  const entries = packed.nnz / 8
  const values = packed.values.map((value, i) => value * (1 + byRow[Math.floor(i / entries)] * byColumn[columns[i]]))
  const merged = nm({ ...packed, values })
  const support = (weights: typeof packed) => nm.toDense(weights).map((value) => Number(value !== 0))
  expect(support(merged)).toEqual(support(packed))
  const plain = nmGemm(packed, x).data
  const scaled = nmGemm(
    packed,
    tensor(
      x.data.map((value, i) => value * byColumn[Math.floor(i / 5)]),
      x.shape,
    ),
  ).data
  expectClose(
    nmGemm(merged, x),
    plain.map((value, i) => value + byRow[Math.floor(i / 5)] * scaled[i]),
  )
})

test('a 2:4 model takes little more than half of dense f32, and with i8 values less than a sixth (rows 6 and 17)', () => {
  const w = nm.fromDense(randomMatrix(64, 256, seeded(23)).data, [64, 256], { n: 2, m: 4 })
  const dense = 4 * 64 * 256
  expect((w.values.byteLength + w.indices.byteLength) / dense).toBe(0.5 + 1 / 32)
  expect(nm.compactCost(w, nm.quantise(w, { type: 'i8' })).bytes / dense).toBeLessThan(1 / 6)
})
