import { erf, js, resolveBackend, type Tensor, tensor } from '@nnz/core'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { describe, expect, test } from 'vitest'
import { kernels, operationsOf } from '../src/encoder/kernels/index.ts'
import { hostOf, type Lanes, lanes, OPERATIONS } from '../src/encoder/kernels/types.ts'
import { place } from '../src/encoder/layer.ts'

const generator = xoroshiro128plus(5)
const values = (count: number, factor = 1): Float32Array =>
  Float32Array.from({ length: count }, () => (factor * generator.next()) / 2 ** 31)

const backends = [js, resolveBackend(undefined)].filter((backend, i) => i === 0 || backend !== js)

/** Room with numbers everywhere, also where none are used: those are NaN. */
function filled(room: Lanes, matrix: ArrayLike<number>, tokens: number): Lanes {
  const { tensor: to, stride } = room
  const data = to.data.fill(Number.NaN)
  for (let i = 0; i < matrix.length; i++) data[Math.floor(i / tokens) * stride + (i % tokens)] = matrix[i]
  return room
}

/** The used columns, row by row. */
function used({ tensor: { data, shape }, stride }: Lanes, tokens: number): number[] {
  return Array.from({ length: shape[0] * tokens }, (_, i) => data[Math.floor(i / tokens) * stride + (i % tokens)])
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: (i: number) => number): void {
  expect(actual.length).toBe(expected.length)
  const wrong = Array.from(expected, (value, i) => ({ i, off: Math.abs(actual[i] - value) / bound(i) })).find(
    ({ i, off }) => !(off <= 1) && !Object.is(actual[i], expected[i]),
  )
  expect(wrong, `${wrong && [actual[wrong.i], expected[wrong.i]]}`).toBeUndefined()
}

describe.each(backends.map((backend) => [backend.name, backend] as const))(
  'kernels of an encoder on %s',
  (_, backend) => {
    const host = hostOf(backend)
    const vector = (data: Float32Array): Tensor => place(data, [data.length], host)
    const operations = (width: number, heads: number, tokens: number) => operationsOf(backend, { width, heads, tokens })

    test('have rows of their own', () => {
      const rows = kernels.filter(
        (kernel) => kernel.backend === backend.name && kernel.variant.startsWith(backend.variant),
      )
      expect(rows.map(({ operation }) => operation)).toEqual(OPERATIONS)
    })

    test.each([1, 3, 4, 5, 18])('embed: %i tokens', (count) => {
      const [width, vocabulary, positions] = [12, 7, 9]
      const [words, places] = [values(vocabulary * width), values(positions * width)]
      const tokens = Int32Array.from({ length: count }, (_, i) => (5 * i) % vocabulary)
      const at = Int32Array.from({ length: count }, (_, i) => (i * i) % positions)
      const x = filled(lanes(width, count, host), [], count)
      operations(width, 3, count).embed({
        tokens,
        positions: at,
        words: place(words, [vocabulary, width], host),
        places: place(places, [positions, width], host),
        x,
      })
      const expected = Array.from({ length: width * count }, (_, i) => {
        const [feature, token] = [Math.floor(i / count), i % count]
        return Math.fround(words[tokens[token] * width + feature] + places[at[token] * width + feature])
      })
      expect(used(x, count)).toEqual(expected)
    })

    test.each([
      [1, 1],
      [4, 15],
      [20, 16],
      [33, 17],
      [384, 100],
    ])('addNorm: %i features, %i tokens', (width, count) => {
      const [x, y] = [values(width * count, 3), values(width * count, 2)]
      // One token whose numbers are all alike, one far from zero, and one that is not finite.
      for (let i = 0; i < width; i++) {
        x[i * count] = 1
        y[i * count] = -1
        if (count > 3) x[i * count + 2] += 1000
      }
      if (count > 3) x[3] = Number.NaN
      const [bias, gain, shift] = [values(width), values(width, 2), values(width)]
      bias.fill(0.25)
      const epsilon = 1e-6
      const sums = x.map((value, i) => value + y[i] + bias[Math.floor(i / count)])
      const scale = new Float64Array(count)
      const norm = (data: ArrayLike<number>) => {
        const result: number[] = new Array(width * count)
        for (let token = 0; token < count; token++) {
          const column = Array.from({ length: width }, (_, i) => data[i * count + token])
          const mean = column.reduce((sum, value) => sum + value, 0) / width
          const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width
          const factor = 1 / Math.sqrt(variance + epsilon)
          // What rounding the sums and the mean costs.
          scale[token] = factor * Math.max(...column.map(Math.abs)) * Math.max(...gain.map(Math.abs))
          for (const [i, value] of column.entries())
            result[i * count + token] = (value - mean) * factor * gain[i] + shift[i]
        }
        return result
      }
      const bound = (i: number) => 4e-7 * (scale[i % count] + 4)
      const given = { gain: vector(gain), shift: vector(shift) }
      const run = operations(width, 1, count)
      const summed = filled(lanes(width, count, host), x, count)
      const product = filled(lanes(width, count, host), y, count)
      run.addNorm({ y: { product, bias: vector(bias) }, x: summed, norm: given, epsilon, tokens: count })
      expectClose(used(summed, count), norm(sums), bound)
      const alone = filled(lanes(width, count, host), x, count)
      run.addNorm({ x: alone, norm: given, epsilon, tokens: count })
      expectClose(used(alone, count), norm(x), bound)
    })

    test.each([1, 4, 7, 300])('addGelu: %i tokens', (count) => {
      const rows = 130
      const y = values(rows * count, 8)
      const special = [0, -0, 1e-30, 5.6, -5.6, 5.7, -5.7, 40, -40, 3e38, Number.POSITIVE_INFINITY, Number.NaN]
      for (const [i, value] of special.entries()) y[i * count] = value
      const bias = values(rows)
      bias.fill(0, 0, special.length)
      const room = filled(lanes(rows, count, host), y, count)
      operations(4, 1, count).addGelu({ y: room, bias: vector(bias), tokens: count })
      const input = Array.from(y, (value, i) => Math.fround(value + bias[Math.floor(i / count)]))
      const expected = input.map((x) => (Math.abs(x) > 10 ? Math.max(x, 0) : (x * (1 + erf(x / Math.SQRT2))) / 2))
      expectClose(
        used(room, count),
        expected,
        (i) => 3e-7 * Math.max(1, Math.abs(Number.isFinite(input[i]) ? input[i] : 1)),
      )
      const minus = filled(lanes(1, 1, host), [Number.NEGATIVE_INFINITY], 1)
      operations(4, 1, 1).addGelu({ y: minus, bias: vector(Float32Array.of(0)), tokens: 1 })
      expect(used(minus, 1)[0] || 0).toBeCloseTo(0, 5)
    })

    test.each([
      [1, 4, [0, 1]],
      [2, 8, [0, 5, 6, 18]],
      [3, 12, [0, 6, 13, 13, 21]],
      [1, 20, [0, 7, 8, 72]],
      [12, 32, [0, 64, 73, 74, 130]],
      [1, 64, [0, 300]],
    ])('attendPacked: %i heads of %i', (heads, headDim, ends) => {
      const width = heads * headDim
      const offsets = Int32Array.from(ends)
      const count = ends[ends.length - 1]
      const data = values(3 * width * count, 2)
      // Large scores: all the weight is on one key.
      for (let i = 0; i < width; i++) data[i * count] *= 40
      const bias = values(3 * width)
      const qkv = filled(lanes(3 * width, count, host), data, count)
      const out = filled(lanes(width, count, host), [], count)
      operations(width, heads, count).attendPacked({ qkv, bias: vector(bias), out, heads, offsets })
      const at = (part: number, feature: number, token: number) =>
        data[(part * width + feature) * count + token] + bias[part * width + feature]
      const expected: number[] = new Array(width * count)
      for (let s = 0; s + 1 < ends.length; s++)
        for (let head = 0; head < heads; head++)
          for (let query = ends[s]; query < ends[s + 1]; query++) {
            const features = Array.from({ length: headDim }, (_, i) => head * headDim + i)
            const scores = Array.from(
              { length: ends[s + 1] - ends[s] },
              (_, key) =>
                features.reduce((sum, i) => sum + at(0, i, query) * at(1, i, ends[s] + key), 0) / Math.sqrt(headDim),
            )
            const most = Math.max(...scores)
            const weights = scores.map((score) => Math.exp(score - most))
            const total = weights.reduce((sum, weight) => sum + weight, 0)
            for (const i of features)
              expected[i * count + query] =
                weights.reduce((sum, weight, key) => sum + weight * at(2, i, ends[s] + key), 0) / total
          }
      expectClose(used(out, count), expected, () => 3e-5)
    })

    test('pool: sequences of any length', () => {
      const width = 12
      const offsets = Int32Array.of(0, 1, 1, 6, 14, 130)
      const x = values(width * 130)
      x.fill(0, 0, 0)
      for (let i = 0; i < width; i++) x[i * 130] = 0
      const out = new Float32Array(5 * width).fill(Number.NaN)
      operations(width, 3, 130).pool({ x: filled(lanes(width, 130, host), x, 130), offsets, out })
      const expected = Array.from({ length: 5 }, (_, s) => {
        const sums = Array.from({ length: width }, (_, i) =>
          x.subarray(i * 130 + offsets[s], i * 130 + offsets[s + 1]).reduce((sum, value) => sum + value, 0),
        )
        const length = Math.hypot(...sums) || 1
        return sums.map((sum) => sum / length)
      }).flat()
      expectClose(out, expected, () => 1e-6)
      expect([...out.subarray(0, 2 * width)]).toEqual(new Array(2 * width).fill(0))
    })
  },
)

test('rooms have rows that lie in different sets of the cache', () => {
  for (const tokens of [1, 16, 48, 112, 256, 1000]) {
    const { stride } = lanes(1, tokens, undefined)
    expect(stride % 32).toBe(16)
    expect(stride).toBeGreaterThanOrEqual(tokens + 16)
  }
})

test('operations read tensors where they lie', () => {
  expect(place(Float32Array.of(1, 2), [2], undefined)).toEqual(tensor([1, 2], [2]))
})
