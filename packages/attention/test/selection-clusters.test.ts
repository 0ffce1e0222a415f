import { describe, expect, it } from 'vitest'
import { attention, blockMask, js, OnlineKMeans, patterns, reference, type Tensor, tensor, wasm } from '../src/index.ts'
import { expectClose } from './close.ts'
import { normal, operands, random } from './problems.ts'

/** Tokens around `clusters` directions, in random order, and the direction of each. */
function grouped(heads: number, tokens: number, headDim: number, clusters: number): { x: Tensor; of: number[] } {
  const next = random(clusters)
  const directions = normal(clusters * headDim, 5)
  const noise = normal(heads * tokens * headDim, 6, 0.1)
  const of = Array.from({ length: heads * tokens }, () => Math.floor(next() * clusters))
  const data = noise.map((e, i) => e + directions[of[Math.floor(i / headDim)] * headDim + (i % headDim)])
  return { x: tensor(data, [heads, tokens, headDim]), of }
}

function normalise(row: ArrayLike<number>): number[] {
  const x = Array.from(row)
  const mean = x.reduce((sum, y) => sum + y, 0) / x.length
  const deviation = Math.sqrt(x.reduce((sum, y) => sum + (y - mean) ** 2, 0) / x.length)
  return x.map((y) => (y - mean) / deviation)
}

describe.each([
  ['js', js],
  ['wasm', wasm.open()],
] as const)('OnlineKMeans on %s', (_, backend) => {
  it('finds planted clusters from one token of each', () => {
    const { x, of } = grouped(2, 200, 16, 4)
    const means = new OnlineKMeans({ heads: 2, clusters: 4, headDim: 16, decay: 0.5, backend })
    for (let head = 0; head < 2; head++)
      for (let c = 0; c < 4; c++) {
        const token = 200 * head + of.slice(200 * head, 200 * head + 200).indexOf(c)
        means.centroids.data.set(normalise(x.data.subarray(16 * token, 16 * token + 16)), 16 * (4 * head + c))
      }
    for (let step = 0; step < 3; step++) means.update(x, x)
    means.assign(x).forEach((clusters, head) => {
      clusters.forEach((members, c) => {
        const planted = [...Array(200).keys()].filter((token) => of[200 * head + token] === c)
        expect(members).toEqual(planted)
      })
    })
  })

  it('moves centroids to the mean of their members, and leaves those without', () => {
    const { q, k } = operands({ name: '', heads: 1, tokens: 5, keys: 9, headDim: 8 })
    const means = new OnlineKMeans({ heads: 1, clusters: 30, headDim: 8, decay: 0.75, backend })
    const before = means.centroids.data.slice()
    const rows = [
      ...Array.from({ length: 5 }, (_, i) => normalise(q.data.subarray(8 * i, 8 * i + 8))),
      ...Array.from({ length: 9 }, (_, i) => normalise(k.data.subarray(8 * i, 8 * i + 8))),
    ]
    const members = [means.assign(q)[0], means.assign(k)[0]]
    means.update(q, k)
    let moved = 0
    for (let c = 0; c < 30; c++) {
      const own = [...Array.from(members[0][c]), ...Array.from(members[1][c], (j) => 5 + j)]
      if (own.length > 0) moved++
      for (let i = 0; i < 8; i++) {
        const mean = own.reduce((sum, row) => sum + rows[row][i], 0) / own.length
        const expected = own.length === 0 ? before[8 * c + i] : 0.75 * before[8 * c + i] + 0.25 * mean
        expect(means.centroids.data[8 * c + i]).toBeCloseTo(expected, 5)
      }
    }
    expect(moved).toBeGreaterThan(1)
    expect(moved).toBeLessThan(30)
  })

  it('gives each cluster as many tokens if asked, those that are nearest', () => {
    const { q } = operands({ name: '', heads: 2, tokens: 50, headDim: 8 })
    const means = new OnlineKMeans({ heads: 2, clusters: 5, headDim: 8, backend })
    for (const [head, clusters] of means.assign(q, { size: 10 }).entries())
      for (const [c, members] of clusters.entries()) {
        expect(members).toHaveLength(10)
        const product = (token: number) => {
          const row = normalise(q.data.subarray((head * 50 + token) * 8, (head * 50 + token + 1) * 8))
          return row.reduce((sum, x, i) => sum + x * means.centroids.data[(head * 5 + c) * 8 + i], 0)
        }
        const inside = Math.min(...Array.from(members, product))
        for (let token = 0; token < 50; token++)
          if (!Array.from(members).includes(token)) expect(product(token)).toBeLessThanOrEqual(inside + 1e-5)
      }
  })
})

describe('routing attention', () => {
  it('with one cluster is dense attention', () => {
    const { q, k, v } = operands({ name: '', heads: 2, tokens: 40, keys: 40, headDim: 8 })
    const means = new OnlineKMeans({ heads: 2, clusters: 1, headDim: 8 })
    const size = { heads: 2, rows: 40, columns: 40, blockShape: [16, 16] }
    const mask = patterns.clusters({ ...size, queries: means.assign(q), keys: means.assign(k) })
    expect(attention(q, k, v, { mask }).output.data).toEqual(
      attention(q, k, v, { mask: patterns.blockDiagonal({ ...size, segments: 40 }) }).output.data,
    )
    const dense = reference(q, k, v).output
    expectClose(attention(q, k, v, { mask }).output.data, dense)
  })

  it('costs tokens^1.5 with the root of the tokens as clusters of the same size', () => {
    const pairs = [256, 1024].map((tokens) => {
      const { q, k } = operands({ name: '', heads: 1, tokens, headDim: 16 })
      const root = Math.sqrt(tokens)
      const means = new OnlineKMeans({ heads: 1, clusters: root, headDim: 16 })
      const [queries, keys] = [means.assign(q, { size: root }), means.assign(k, { size: root })]
      return blockMask.keptPairs(
        patterns.clusters({ rows: tokens, columns: tokens, blockShape: [64, 64], queries, keys }),
      )
    })
    const exponent = Math.log(pairs[1] / pairs[0]) / Math.log(4)
    expect(exponent).toBeGreaterThan(1.4)
    expect(exponent).toBeLessThan(1.6)
  })

  it('refuses what does not fit', () => {
    const options = { heads: 2, clusters: 3, headDim: 8 }
    expect(() => new OnlineKMeans({ ...options, clusters: 0 })).toThrow(
      'OnlineKMeans: clusters: expected a whole number',
    )
    expect(() => new OnlineKMeans({ ...options, headDim: 6 })).toThrow('headDim: expected a multiple of 4, got 6')
    expect(() => new OnlineKMeans({ ...options, decay: 2 })).toThrow('OnlineKMeans: decay: expected a number in 0..1')
    const means = new OnlineKMeans(options)
    const { q } = operands({ name: '', heads: 3, tokens: 4, headDim: 8 })
    expect(() => means.assign(q)).toThrow('OnlineKMeans: x is [3, 4, 8], expected [2, tokens, 8]')
    expect(() => means.update(q, q)).toThrow(RangeError)
    expect(() => means.assign({} as Tensor)).toThrow(TypeError)
    const two = operands({ name: '', heads: 2, tokens: 4, headDim: 8 }).q
    expect(() => means.assign(two, { size: 0 })).toThrow('size: expected a whole number in 1..2^31, got 0')
  })
})
