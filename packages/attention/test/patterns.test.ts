import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  attention,
  attentionBackward,
  type BlockMask,
  blockMask,
  patterns,
  reference,
  referenceBackward,
} from '../src/index.ts'
import { expectClose } from './close.ts'
import { operands } from './problems.ts'

interface Size {
  heads: number
  rows: number
  columns: number
  blockShape: [number, number]
  causal: boolean
}

const sizes = fc.record({
  heads: fc.integer({ min: 1, max: 2 }),
  rows: fc.integer({ min: 0, max: 50 }),
  columns: fc.integer({ min: 0, max: 70 }),
  blockShape: fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 40 })),
  causal: fc.boolean(),
})

/** What a pattern says of a query at position p and a key j. */
type Rule = (p: number, j: number) => boolean

function expectPattern(mask: BlockMask, size: Size, rule: Rule): void {
  const offset = size.columns - size.rows
  const expected = blockMask.fromPredicate((_, i, j) => rule(i + offset, j) && (!size.causal || j <= i + offset), size)
  expect(blockMask.toDense(mask)).toEqual(blockMask.toDense(expected))
  // Full blocks are known as full, empty ones are left out.
  expect(mask.columnIndices).toEqual(expected.columnIndices)
  expect(mask.partialIndices.map((index) => Number(index === 0xffffffff))).toEqual(
    expected.partialIndices.map((index) => Number(index === 0xffffffff)),
  )
}

const small = fc.integer({ min: 1, max: 25 })

describe('patterns are the pairs of their definitions:', () => {
  const check = (name: string, rule: (size: Size, a: number, b: number) => [BlockMask, Rule]) =>
    it(name, () => {
      fc.assert(
        fc.property(sizes, small, small, (size, a, b) => {
          const [mask, keeps] = rule(size, a, b)
          expectPattern(mask, size, keeps)
        }),
        { numRuns: 60 },
      )
    })

  check('causal', (size) => [patterns.causal(size), (p, j) => j <= p])
  check('slidingWindow', (size, window, sinks) => [
    patterns.slidingWindow({ ...size, window, sinks }),
    (p, j) => Math.abs(p - j) < window || j < sinks,
  ])
  check('strided', (size, stride) => [
    patterns.strided({ ...size, stride }),
    (p, j) => Math.abs(p - j) <= stride || (p - j) % stride === 0,
  ])
  check('strided, in factors', (size, stride) => [
    blockMask.or(
      patterns.strided({ ...size, stride, factor: 'local' }),
      patterns.strided({ ...size, stride, factor: 'summary' }),
    ),
    (p, j) => Math.abs(p - j) <= stride || (p - j) % stride === 0,
  ])
  check('fixed', (size, stride, b) => {
    const summary = 1 + (b % stride)
    return [
      patterns.fixed({ ...size, stride, summary }),
      (p, j) => Math.floor(p / stride) === Math.floor(j / stride) || j % stride >= stride - summary,
    ]
  })
  check('powerOfTwo', (size, window) => [
    patterns.powerOfTwo({ ...size, window }),
    (p, j) => Math.abs(p - j) < window || Number.isInteger(Math.log2(Math.abs(p - j))),
  ])
  check('powerOfTwo in units', (size, window, unit) => [
    patterns.powerOfTwo({ ...size, window, unit }),
    (p, j) => {
      const distance = Math.abs(Math.floor(p / unit) - Math.floor(j / unit))
      return Math.abs(p - j) < window || (distance === 0 && unit > 1) || Number.isInteger(Math.log2(distance))
    },
  ])
  check('blockDiagonal', (size, segment) => [
    patterns.blockDiagonal({ ...size, segments: segment }),
    (p, j) => Math.floor(p / segment) === Math.floor(j / segment),
  ])
  check('blockDiagonal of any segments', (size, a, b) => {
    const ends = [a, a, a + b].map((end) => Math.min(end, size.columns))
    const segments = [0, ...ends, size.columns]
    const of = (key: number) => segments.findIndex((_, s) => key < segments[s + 1])
    return [patterns.blockDiagonal({ ...size, segments }), (p, j) => p >= 0 && of(p) === of(j)]
  })
  check('globalTokens', (size, a, b) => {
    const tokens = [b, a, a + 1].filter((token) => token < size.columns)
    return [patterns.globalTokens({ ...size, tokens }), (p, j) => tokens.includes(p) || tokens.includes(j)]
  })
})

describe('patterns', () => {
  it('of clusters keep the pairs inside a cluster', () => {
    fc.assert(
      fc.property(sizes, small, fc.nat(100), (size, count, seed) => {
        const of = (token: number, head: number) => Math.imul(token + 7 * head + seed, 2654435761) >>> 0
        const members = (tokens: number) =>
          Array.from({ length: size.heads }, (_, head) =>
            Array.from({ length: count }, (_, cluster) =>
              Array.from({ length: tokens }, (_, token) => token).filter(
                // Some tokens are in two clusters, some in none.
                (token) => of(token, head) % count === cluster || of(token, head + 9) % (2 * count) === cluster,
              ),
            ),
          )
        const [queries, keys] = [members(size.rows), members(size.columns)]
        const mask = patterns.clusters({ ...size, queries, keys })
        const expected = blockMask.fromPredicate(
          (head, i, j) =>
            (!size.causal || j <= i + size.columns - size.rows) &&
            queries[head].some((list, cluster) => list.includes(i) && keys[head][cluster].includes(j)),
          size,
        )
        expect(blockMask.toDense(mask)).toEqual(blockMask.toDense(expected))
      }),
      { numRuns: 40 },
    )
    const all = Array.from({ length: 20 }, (_, i) => i)
    const one = patterns.clusters({ rows: 20, columns: 20, blockShape: [8, 8], queries: [[all]], keys: [[all]] })
    expect(blockMask.density(one)).toBe(1)
    expect(one.elements).toHaveLength(0)
  })

  it('of random blocks come from their seed', () => {
    const size = { rows: 100, columns: 130, blockShape: [10, 10], heads: 2, perRow: 4 }
    const mask = patterns.randomBlocks({ ...size, seed: 3 })
    expect(mask).toEqual(patterns.randomBlocks({ ...size, seed: 3 }))
    expect(mask.columnIndices).not.toEqual(patterns.randomBlocks({ ...size, seed: 4 }).columnIndices)
    expect([...mask.rowOffsets]).toEqual(Array.from({ length: 21 }, (_, row) => 4 * row))
    expect(new Set(mask.columnIndices).size).toBe(13)
    expect(mask.columnIndices.subarray(0, 40)).not.toEqual(mask.columnIndices.subarray(40))
    expect(blockMask.density(patterns.randomBlocks({ ...size, perRow: 99 }))).toBe(1)
    const causal = patterns.randomBlocks({ ...size, columns: 100, causal: true })
    const allowed = patterns.causal({ ...size, columns: 100 })
    expect(blockMask.keptPairs(blockMask.and(causal, allowed))).toBe(blockMask.keptPairs(causal))
    expect([...causal.rowOffsets.subarray(0, 6)]).toEqual([0, 1, 3, 6, 10, 14])
  })

  it('of a butterfly have the blocks of its closed form', () => {
    const size = { rows: 128, columns: 128, blockShape: [8, 8] }
    for (const stride of [1, 2, 4, 16]) {
      const mask = patterns.butterfly({ ...size, stride })
      expect(mask.columnIndices).toHaveLength(16 * (1 + Math.log2(stride)))
      expect(mask.elements).toHaveLength(0)
      expect(blockMask.transpose(mask)).toEqual(mask)
    }
    const whole = patterns.butterfly({ ...size, stride: 16 })
    expect([...whole.columnIndices.subarray(whole.rowOffsets[5], whole.rowOffsets[6])]).toEqual([1, 4, 5, 7, 13])
    const wide = patterns.butterfly({ ...size, rows: 64, stride: 4 })
    // Rows 2 r and 2 r + 1 of the square in one.
    expect([...wide.columnIndices.subarray(0, wide.rowOffsets[1])]).toEqual([0, 1, 2, 3])
    expect(blockMask.transpose(patterns.butterfly({ ...size, columns: 64, stride: 4 }))).toEqual(wide)
  })

  it.each([
    ['strided', 'local', 'summary'],
    ['fixed', 'local', 'summary'],
  ] as const)('%s connects any pair within two steps', (name, first, second) => {
    const tokens = 90
    const size = { rows: tokens, columns: tokens, blockShape: [16, 16], stride: 9 }
    const dense = (factor: 'local' | 'summary') => blockMask.toDense(patterns[name]({ ...size, factor }))
    const [a, b] = [dense(first), dense(second)]
    for (let i = 0; i < tokens; i++)
      for (let j = 0; j <= i; j++) {
        const through = Array.from({ length: tokens }, (_, m) => m)
        const twice = through.some(
          (m) => (a[i * tokens + m] && b[m * tokens + j]) || (b[i * tokens + m] && a[m * tokens + j]),
        )
        expect(twice || a[i * tokens + j] === 1, `${i} to ${j}`).toBe(true)
      }
  })

  it('of factors cost tokens^1.5 with a stride of the root of the tokens', () => {
    for (const name of ['strided', 'fixed'] as const) {
      const pairs = [1024, 4096].map((tokens) =>
        blockMask.keptPairs(
          patterns[name]({ rows: tokens, columns: tokens, blockShape: [64, 64], stride: Math.sqrt(tokens) }),
        ),
      )
      const exponent = Math.log(pairs[1] / pairs[0]) / Math.log(4)
      expect(exponent).toBeGreaterThan(1.4)
      expect(exponent).toBeLessThan(1.6)
    }
  })

  it('of powers of two reach 2^d tokens in d layers, with a logarithm of keys for each', () => {
    const tokens = 300
    const mask = patterns.powerOfTwo({ rows: tokens, columns: tokens, blockShape: [16, 16] })
    const dense = blockMask.toDense(mask)
    const row = (i: number) => dense.subarray(i * tokens, (i + 1) * tokens)
    for (let i = 0; i < tokens; i++)
      expect(row(i).reduce((sum, bit) => sum + bit, 0)).toBeLessThanOrEqual(2 + Math.log2(i + 1))
    let reached = new Set([tokens - 1])
    for (let layer = 1; layer <= 8; layer++) {
      reached = new Set([...reached].flatMap((i) => [...row(i).keys()].filter((j) => row(i)[j])))
      for (let back = 0; back < 2 ** layer; back++)
        expect(reached.has(tokens - 1 - back), `${layer}: ${back}`).toBe(true)
    }
  })

  it('store equal element masks once, and take 32768 tokens', () => {
    const size = { rows: 32_768, columns: 32_768, blockShape: [64, 64] }
    const causal = patterns.causal(size)
    expect(causal.columnIndices).toHaveLength((512 * 513) / 2)
    expect(causal.elements).toHaveLength(128)
    expect(patterns.slidingWindow({ ...size, window: 1000, sinks: 4 }).elements.length).toBeLessThan(10 * 128)
    expect(patterns.strided({ ...size, stride: 128 }).elements.length).toBeLessThan(10 * 128)
    expect(patterns.powerOfTwo({ ...size, unit: 64, window: 128 }).columnIndices.length).toBeLessThan(512 * 13)
    expect(patterns.butterfly({ ...size, stride: 512 }).columnIndices).toHaveLength(512 * 10)
  })

  it('give attention over just their pairs, forward and backward', () => {
    const { q, k, v, dOutput } = operands({ name: '', heads: 2, tokens: 70, keys: 70, headDim: 8 })
    const size = { rows: 70, columns: 70, blockShape: [16, 16] }
    const even = Array.from({ length: 35 }, (_, i) => 2 * i)
    const members = [[even, even.map((token) => token + 1)]]
    const masks = {
      slidingWindow: patterns.slidingWindow({ ...size, window: 9, sinks: 2 }),
      strided: patterns.strided({ ...size, stride: 8 }),
      fixed: patterns.fixed({ ...size, stride: 8, summary: 2 }),
      powerOfTwo: patterns.powerOfTwo(size),
      clusters: patterns.clusters({ ...size, queries: members, keys: members }),
      butterfly: patterns.butterfly({ ...size, stride: 4 }),
      bigBird: blockMask.or(
        patterns.globalTokens({ ...size, tokens: 1 }),
        patterns.randomBlocks({ ...size, heads: 2, perRow: 1 }),
      ),
    }
    for (const [name, mask] of Object.entries(masks)) {
      const forward = attention(q, k, v, { mask })
      const gradients = attentionBackward(dOutput, { q, k, v, ...forward, mask })
      const expected = { ...reference(q, k, v, { mask }), ...referenceBackward(dOutput, q, k, v, { mask }) }
      const actual = { output: forward.output, ...gradients }
      for (const key of ['output', 'dQ', 'dK', 'dV'] as const)
        expectClose(actual[key].data, expected[key], `${name}: ${key}`)
    }
  })

  const size = { rows: 20, columns: 30, blockShape: [8, 8] }
  it.each([
    ['causal', { ...size, rows: -1 }, RangeError, 'patterns.causal: rows: expected a whole number'],
    ['slidingWindow', size, TypeError, 'patterns.slidingWindow: window: expected a number, got undefined'],
    ['slidingWindow', { ...size, window: 3, sinks: -1 }, RangeError, 'patterns.slidingWindow: sinks: expected a whole'],
    ['slidingWindow', { ...size, window: 3, causal: 1 }, TypeError, 'slidingWindow: causal: expected true or false'],
    ['strided', { ...size, stride: 0 }, RangeError, 'patterns.strided: stride: expected a whole number in 1..2^31'],
    ['strided', { ...size, stride: 4, factor: 'x' }, RangeError, 'factor: expected "both", "local" or "summary"'],
    [
      'fixed',
      { ...size, stride: 4, summary: 5 },
      RangeError,
      'patterns.fixed: summary: expected a whole number in 1..4',
    ],
    ['powerOfTwo', { ...size, unit: 0.5 }, RangeError, 'patterns.powerOfTwo: unit: expected a whole number'],
    ['blockDiagonal', { ...size, segments: [0, 20] }, RangeError, 'patterns.blockDiagonal: segments[1]: expected 30'],
    ['blockDiagonal', { ...size, segments: [] }, RangeError, 'patterns.blockDiagonal: segments: expected 1 entries'],
    ['globalTokens', { ...size, tokens: [30] }, RangeError, 'tokens: expected positions below 30 (the keys), got 30'],
    ['clusters', { ...size, queries: 1, keys: [[]] }, TypeError, 'queries: expected lists of clusters for each head'],
    ['clusters', { ...size, queries: [[]], keys: [] }, RangeError, 'keys: expected clusters of 1 heads, got 0'],
    ['clusters', { ...size, queries: [[[3, 2]]], keys: [[[]]] }, RangeError, 'queries[0][0]: expected rising numbers'],
    ['clusters', { ...size, queries: [[[]]], keys: [[]] }, RangeError, 'keys: expected 1 clusters for head 0, got 0'],
    ['randomBlocks', { ...size, perRow: 1.5 }, RangeError, 'patterns.randomBlocks: perRow: expected a whole number'],
    ['butterfly', { ...size, stride: 3 }, RangeError, 'patterns.butterfly: stride: expected a power of two, got 3'],
  ] as const)('refuses wrong options of %s', (name, options, kind, message) => {
    const act = () => (patterns[name] as (options: unknown) => BlockMask)(options)
    expect(act).toThrow(kind)
    expect(act).toThrow(message)
  })
})
