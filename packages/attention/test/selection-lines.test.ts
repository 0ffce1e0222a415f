import { describe, expect, it } from 'vitest'
import {
  attention,
  blockAttention,
  blockMask,
  jensenShannon,
  js,
  reference,
  selection,
  type Tensor,
  tensor,
  wasm,
} from '../src/index.ts'
import { expectClose } from './close.ts'
import { normal, operands } from './problems.ts'

const BACKENDS = [
  ['js', js],
  ['wasm', wasm.open()],
] as const

/** The attention map of every head in f64, [batch * heads][tokens * keys]. */
function maps(q: Tensor, k: Tensor, options: { causal?: boolean; scale?: number } = {}): Float64Array[] {
  const [heads, tokens, headDim] = q.shape.slice(-3)
  const [keyHeads, keys] = k.shape.slice(-3)
  const { causal = false, scale = 1 / Math.sqrt(headDim) } = options
  return Array.from({ length: q.data.length / (tokens * headDim) }, (_, group) => {
    const keyGroup = Math.floor(group / heads) * keyHeads + Math.floor(((group % heads) * keyHeads) / heads)
    const map = new Float64Array(tokens * keys)
    for (let i = 0; i < tokens; i++) {
      const seen = causal ? Math.max(0, Math.min(keys, i + 1 + keys - tokens)) : keys
      let total = 0
      for (let j = 0; j < seen; j++) {
        let dot = 0
        for (let c = 0; c < headDim; c++)
          dot += q.data[(group * tokens + i) * headDim + c] * k.data[(keyGroup * keys + j) * headDim + c]
        total += map[i * keys + j] = Math.exp(scale * dot)
      }
      for (let j = 0; j < seen; j++) map[i * keys + j] /= total
    }
    return map
  })
}

/** Heads that attend to a few columns and to a few distances. */
function planted(tokens: number, columns: readonly number[], distances: readonly number[]): { q: Tensor; k: Tensor } {
  // Key j is a code of its position; query i asks for the codes of its partners. Codes are nearly orthogonal.
  const headDim = 256
  const code = normal(tokens * headDim, 3, 1 / 16)
  const q = new Float32Array(tokens * headDim)
  for (let i = 0; i < tokens; i++)
    for (const key of [...columns, ...distances.map((distance) => i - distance)])
      if (key >= 0 && key <= i) for (let c = 0; c < headDim; c++) q[i * headDim + c] += 10 * code[key * headDim + c]
  return { q: tensor(q, [1, tokens, headDim]), k: tensor(code, [1, tokens, headDim]) }
}

/** Mean share of the attention that a mask keeps. */
function keptShare(mask: ReturnType<typeof blockMask>, all: readonly Float64Array[]): number {
  const dense = blockMask.toDense(mask)
  const share = all.reduce((sum, map, h) => sum + map.reduce((s, w, i) => s + w * dense[h * map.length + i], 0), 0)
  return share / (all.length * mask.rows)
}

describe.each(BACKENDS)('blockAttention on %s', (_, backend) => {
  it.each([
    { name: 'odd sizes', tokens: 75, keys: 53, blockShape: [16, 8], causal: false },
    { name: 'causal, more keys', tokens: 53, keys: 131, blockShape: [16, 32], causal: true },
    { name: 'causal, more queries', tokens: 90, keys: 53, blockShape: [32, 16], causal: true },
    { name: 'blocks of more than a tile', tokens: 150, keys: 150, blockShape: [100, 70], causal: true },
    { name: 'batch and groups', batch: 2, heads: 4, keyHeads: 2, tokens: 40, keys: 40, blockShape: [10, 10] },
  ])('is the attention map, pooled: $name', ({ blockShape, causal = false, ...problem }) => {
    const { q, k } = operands({ headDim: 12, heads: 2, ...problem })
    const { tokens, keys } = problem
    const result = blockAttention(q, k, { blockShape, causal, backend })
    const [rows, columns] = [Math.ceil(tokens / blockShape[0]), Math.ceil(keys / blockShape[1])]
    expect(result.means.shape).toEqual([...q.shape.slice(0, -2), rows, columns])
    const [means, maxima] = [new Float64Array(result.means.data.length), new Float64Array(result.means.data.length)]
    maps(q, k, { causal }).forEach((map, group) => {
      map.forEach((weight, pair) => {
        const [i, j] = [Math.floor(pair / keys), pair % keys]
        const [r, c] = [Math.floor(i / blockShape[0]), Math.floor(j / blockShape[1])]
        const at = (group * rows + r) * columns + c
        means[at] += weight / Math.min(blockShape[0], tokens - r * blockShape[0])
        maxima[at] = Math.max(maxima[at], weight)
      })
    })
    expectClose(result.means.data, means)
    expectClose(result.maxima.data, maxima)
  })
})

describe.each(BACKENDS)('selection.exact on %s', (_, backend) => {
  it('keeps the threshold of every block row, with as few blocks as possible', () => {
    const { q, k } = operands({ name: '', heads: 2, tokens: 128, keys: 128, headDim: 16, size: 1.5 })
    const [threshold, block] = [0.8, 16]
    const { mask } = selection.exact(q, k, { threshold, causal: true, blockShape: [block, block], backend })
    const { means } = blockAttention(q, k, { causal: true, blockShape: [block, block], backend })
    for (let row = 0; row < 16; row++) {
      const kept = [...mask.columnIndices.subarray(mask.rowOffsets[row], mask.rowOffsets[row + 1])]
      const shares = kept.map((column) => means.data[row * 8 + column])
      const sum = shares.reduce((a, b) => a + b, 0)
      expect(sum).toBeGreaterThanOrEqual(threshold)
      const others = shares.filter((_, i) => kept[i] !== row % 8)
      if (others.length > 0) expect(sum - Math.min(...others)).toBeLessThan(threshold)
    }
    expect(keptShare(mask, maps(q, k, { causal: true }))).toBeGreaterThanOrEqual(threshold)
  })
})

describe.each(BACKENDS)('selection.verticalSlash on %s', (_, backend) => {
  const [columns, distances] = [
    [3, 40, 97],
    [0, 17, 60],
  ]
  const { q, k } = planted(200, columns, distances)

  it('recovers planted lines, to the pair', () => {
    const options = { vertical: { topK: 3 }, slash: { topK: 3 }, window: 0, causal: true, pairs: true, backend }
    const { mask, cost } = selection.verticalSlash(q, k, { ...options, blockShape: [16, 16] })
    const expected = blockMask.fromPredicate(
      (_, i, j) => j <= i && (columns.includes(j) || distances.includes(i - j)),
      { rows: 200, columns: 200, blockShape: [16, 16] },
    )
    expect(blockMask.toDense(mask)).toEqual(blockMask.toDense(expected))
    expect(cost.flops).toBe(2 * 64 * 200 * 256)
  })

  it('keeps every block that a line meets, unless pairs are asked for', () => {
    for (const blockShape of [
      [16, 16],
      [32, 8],
      [7, 50],
    ]) {
      const options = { vertical: { topK: 3 }, slash: { topK: 3 }, window: 0, causal: true, blockShape, backend }
      const { mask } = selection.verticalSlash(q, k, options)
      const pairs = selection.verticalSlash(q, k, { ...options, pairs: true }).mask
      expect(mask.columnIndices).toEqual(pairs.columnIndices)
      const causal = blockMask.fromPredicate((_, i, j) => j <= i, { rows: 200, columns: 200, blockShape })
      const whole = blockMask({ ...pairs, partialIndices: undefined, elements: [] })
      expect(blockMask.toDense(mask)).toEqual(blockMask.toDense(blockMask.and(whole, causal)))
    }
  })

  it('looks in both directions without causal, and any number of last queries', () => {
    const { q, k } = operands({ name: '', batch: 2, heads: 4, keyHeads: 2, tokens: 150, keys: 170, headDim: 8 })
    for (const lastQueries of [1, 64, 100, 999]) {
      const all = { threshold: 1 }
      const options = { vertical: { topK: 2 }, slash: { topK: 2 }, lastQueries, pairs: true, backend }
      const { mask } = selection.verticalSlash(q, k, { ...options, blockShape: [32, 32] })
      expect(mask.heads).toBe(8)
      const count = Math.min(150, lastQueries)
      maps(q, k).forEach((map, group) => {
        const sums = new Float64Array(170)
        const slashes = new Map<number, number>()
        for (let i = 150 - count; i < 150; i++)
          for (let j = 0; j < 170; j++) {
            sums[j] += map[i * 170 + j]
            slashes.set(i + 20 - j, (slashes.get(i + 20 - j) ?? 0) + map[i * 170 + j])
          }
        const best = (entries: [number, number][]) =>
          entries
            .sort((a, b) => b[1] - a[1])
            .slice(0, 2)
            .map(([index]) => index)
        const [vertical, slash] = [best([...sums].map((sum, j) => [j, sum])), best([...slashes])]
        const dense = blockMask.toDense(mask).subarray(group * 150 * 170, (group + 1) * 150 * 170)
        const expected = dense.map((_, at) => {
          const [i, j] = [Math.floor(at / 170), at % 170]
          return Number(vertical.includes(j) || slash.includes(i + 20 - j))
        })
        expect(dense).toEqual(expected)
      })
      const every = selection.verticalSlash(q, k, { ...options, vertical: all, slash: all })
      expect(blockMask.density(every.mask)).toBe(1)
    }
  })
})

describe.each(BACKENDS)('selection.stripes on %s', (_, backend) => {
  it('finds planted columns from a few queries, and keeps a window', () => {
    const columns = [5, 70, 130]
    const { q, k } = planted(200, columns, [])
    const options = { topK: 3, samples: 10, scale: 1, causal: true, pairs: true, blockShape: [16, 16], backend }
    for (const window of [1, 20]) {
      const { mask } = selection.stripes(q, k, { ...options, window })
      const expected = blockMask.fromPredicate((_, i, j) => j <= i && (columns.includes(j) || i - j < window), {
        rows: 200,
        columns: 200,
        blockShape: [16, 16],
      })
      expect(blockMask.toDense(mask)).toEqual(blockMask.toDense(expected))
    }
  })

  it('keeps the threshold of the sampled queries', () => {
    const { q, k } = operands({ name: '', heads: 3, tokens: 150, keys: 150, headDim: 16, size: 1.5 })
    for (const causal of [false, true]) {
      const options = { threshold: 0.9, samples: 150, causal, window: 0, pairs: true, blockShape: [32, 32], backend }
      const { mask } = selection.stripes(q, k, options)
      const share = keptShare(mask, maps(q, k, { causal }))
      expect(share).toBeGreaterThanOrEqual(0.9)
      expect(blockMask.density(mask)).toBeLessThan(0.95)
      // Whole blocks keep more.
      expect(
        keptShare(selection.stripes(q, k, { ...options, pairs: false }).mask, maps(q, k, { causal })),
      ).toBeGreaterThan(share)
    }
  })
})

describe('jensenShannon', () => {
  it('is a distance from 0 to 1 of rows in any unit', () => {
    expect(jensenShannon([1, 2, 1], [2, 4, 2])).toBe(0)
    expect(jensenShannon([1, 0, 2, 0], [0, 5, 0, 1])).toBeCloseTo(1, 12)
    // Both halves: (1 log2(1 / 0.75) + 0.5 log2(0.5 / 0.75) + 0.5 log2(0.5 / 0.25)) / 2.
    expect(jensenShannon([1, 0], [1, 1])).toBeCloseTo(Math.sqrt(0.31127812445913283), 12)
  })
})

describe.each(BACKENDS)('selection.flexible on %s', (_, backend) => {
  const block = 16
  const tokens = 128

  /** Head 0 attends to blocks, which pooling foretells; head 1 to columns, which it does not. */
  function mixed(): { q: Tensor; k: Tensor } {
    const lines = planted(tokens, [3, 37, 90], [0])
    const headDim = 256
    const directions = normal(8 * headDim, 9, 1 / 16)
    const blocks = (of: (b: number) => number, size: number) =>
      Float32Array.from(
        { length: tokens * headDim },
        (_, i) => size * directions[of(Math.floor(i / headDim / block)) * headDim + (i % headDim)],
      )
    const q = new Float32Array([...blocks((b) => Math.floor(b / 2), 10), ...lines.q.data])
    const k = new Float32Array([...blocks((b) => b, 1), ...lines.k.data])
    return { q: tensor(q, [2, tokens, headDim]), k: tensor(k, [2, tokens, headDim]) }
  }

  it('picks the planted pattern of each head', () => {
    const { q, k } = mixed()
    const result = selection.flexible(q, k, {
      threshold: 0.9,
      scale: 1,
      causal: true,
      blockShape: [block, block],
      backend,
    })
    expect(result.patterns).toEqual(['query-aware', 'vertical-slash'])
    expect(result.distances[0]).toBeLessThan(0.01)
    expect(result.distances[1]).toBeGreaterThan(0.2)
    expect(keptShare(result.mask, maps(q, k, { causal: true, scale: 1 }))).toBeGreaterThan(0.85)
    expect(blockMask.density(result.mask)).toBeLessThan(0.35)
  })

  it('keeps the threshold in the estimated row, and everything with a threshold of 1', () => {
    const { q, k, v } = operands({ name: '', batch: 2, heads: 4, keyHeads: 2, tokens: 100, keys: 120, headDim: 16 })
    for (const causal of [false, true])
      for (const tolerance of [0, 1]) {
        const options = { threshold: 1, tolerance, causal, blockShape: [16, 16], backend }
        const { mask, patterns } = selection.flexible(q, k, options)
        expect(new Set(patterns)).toEqual(new Set([tolerance === 0 ? 'vertical-slash' : 'query-aware']))
        const kept = attention(q, k, v, { mask, causal, backend }).output.data
        const dense = reference(q, k, v, { causal }).output
        expectClose(kept, dense)
      }
    const single = operands({ name: '', heads: 4, tokens: 96, keys: 96, headDim: 16, size: 1.2 })
    const lines = selection.flexible(single.q, single.k, {
      threshold: 0.7,
      tolerance: 0,
      blockShape: [16, 16],
      backend,
    })
    const dense = blockMask.toDense(lines.mask)
    maps(single.q, single.k).forEach((map, h) => {
      let share = 0
      for (let i = 80; i < 96; i++) for (let j = 0; j < 96; j++) share += map[i * 96 + j] * dense[(h * 96 + i) * 96 + j]
      expect(share / 16).toBeGreaterThanOrEqual(0.7)
    })
  })
})
