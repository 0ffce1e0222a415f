import { describe, expect, it } from 'vitest'
import { attention, type BlockMask, blockMask, js, selection, tensor, tokenOrder, wasm } from '../src/index.ts'
import { gatherTokens, scatterTokens } from '../src/methods/tokens.ts'
import { expectClose } from './close.ts'
import { normal, operands } from './problems.ts'

const BACKENDS = [
  ['js', js],
  ['wasm', wasm.open()],
] as const

/** Each segment from back to front. */
function turned(list: Int32Array, segment: number, offset: number): Int32Array {
  const bySegment = (token: number) => Math.floor((token + offset) / segment)
  return list.toSorted((a, b) => bySegment(a) - bySegment(b) || b - a)
}

describe.each(BACKENDS)('tokenOrder on %s', (_, backend) => {
  it('sorts keys inside segments by what the last queries attend to', () => {
    const { q, k } = operands({ name: '', heads: 2, tokens: 50, keys: 70, headDim: 16, size: 1.5 })
    const order = tokenOrder(q, k, { segment: 20, lastQueries: 10, backend })
    expect(order.cost.flops).toBe(2 * 2 * 10 * 70 * 16)
    expect(order.queries.map((list) => [...list])).toEqual(Array(2).fill([...Array(50).keys()]))
    order.keys.forEach((list, head) => {
      const sums = new Float64Array(70)
      for (let i = 40; i < 50; i++) {
        const scores = Array.from({ length: 70 }, (_, j) => {
          let dot = 0
          for (let c = 0; c < 16; c++) dot += q.data[(head * 50 + i) * 16 + c] * k.data[(head * 70 + j) * 16 + c]
          return Math.exp(dot / 4)
        })
        const total = scores.reduce((sum, x) => sum + x, 0)
        scores.forEach((x, j) => {
          sums[j] += x / total
        })
      }
      for (let from = 0; from < 70; from += 20) {
        const end = Math.min(70, from + 20)
        const expected = Array.from({ length: end - from }, (_, i) => from + i).sort((a, b) => sums[b] - sums[a])
        expect([...list.subarray(from, end)]).toEqual(expected)
      }
    })
  })

  it.each([
    { name: 'square', heads: 2, tokens: 100, keys: 100 },
    { name: 'more keys', heads: 2, tokens: 70, keys: 100 },
    { name: 'more queries', heads: 1, tokens: 100, keys: 70 },
    { name: 'batch and groups', batch: 2, heads: 4, keyHeads: 2, tokens: 90, keys: 90 },
  ])('is undone exactly, and with all blocks kept gives dense attention: $name', (problem) => {
    const { q, k, v } = operands({ headDim: 16, ...problem })
    for (const causal of [true, false])
      for (const moveQueries of [true, false]) {
        const made = tokenOrder(q, k, { segment: 32, causal, backend })
        const offset = problem.keys - problem.tokens
        const order = moveQueries ? { ...made, queries: made.queries.map((list) => turned(list, 32, offset)) } : made
        const ordered = [
          gatherTokens(q, order.queries),
          gatherTokens(k, order.keys),
          gatherTokens(v, order.keys),
        ] as const
        expect(scatterTokens(ordered[0], order.queries, problem.tokens).data).toEqual(q.data)
        expect(scatterTokens(ordered[2], order.keys, problem.keys).data).toEqual(v.data)
        const options = { density: 1, order, causal, blockShape: [16, 16], backend }
        const { mask } = selection.pooled(ordered[0], ordered[1], options)
        const output = scatterTokens(attention(...ordered, { mask, backend }).output, order.queries, problem.tokens)
        const dense = attention(q, k, v, { causal, backend }).output
        expectClose(output.data, dense.data)
      }
  })

  it('leaves causality to the pair intact, and each query its own segment', () => {
    const { q, k } = operands({ name: '', heads: 2, tokens: 128, keys: 128, headDim: 16 })
    const made = tokenOrder(q, k, { segment: 32, causal: true, backend })
    const order = { ...made, queries: made.queries.map((list) => turned(list, 32, 0)) }
    const [orderedQ, orderedK] = [gatherTokens(q, order.queries), gatherTokens(k, order.keys)]
    const options = { topK: 3, order, causal: true, blockShape: [16, 16], backend }
    const dense = blockMask.toDense(selection.pooled(orderedQ, orderedK, options).mask)
    dense.forEach((bit, at) => {
      const [head, i, j] = [Math.floor(at / 128 / 128), Math.floor(at / 128) % 128, at % 128]
      const [query, key] = [order.queries[head][i], order.keys[head][j]]
      if (key > query) expect(bit).toBe(0)
      else if (Math.floor(key / 32) === Math.floor(query / 32)) expect(bit).toBe(1)
    })
  })

  it('needs fewer blocks for the same share of the attention, where what matters is scattered', () => {
    // One key of 16 matters to all later queries; 512 tokens, segments of 128, blocks of 16.
    const [tokens, headDim, block] = [512, 16, 16]
    const direction = normal(headDim, 1)
    const [qData, kData] = [normal(tokens * headDim, 2, 0.2), normal(tokens * headDim, 3, 0.2)]
    for (let t = 0; t < tokens; t++)
      for (let i = 0; i < headDim; i++) {
        qData[t * headDim + i] += direction[i]
        if ((t * 7) % 16 === 3) kData[t * headDim + i] += 2 * direction[i]
      }
    const shape = [1, tokens, headDim]
    const [q, k, v] = [tensor(qData, shape), tensor(kData, shape), tensor(normal(tokens * headDim, 4), shape)]
    const order = tokenOrder(q, k, { segment: 128, causal: true, backend })
    const [orderedK, orderedV] = [gatherTokens(k, order.keys), gatherTokens(v, order.keys)]
    const full = attention(q, k, v, { causal: true, backend }).logSumExp.data
    const share = (mask: BlockMask, keys: typeof k, values: typeof v) =>
      attention(q, keys, values, { mask, backend }).logSumExp.data.reduce(
        (sum, lse, i) => sum + Math.exp(lse - full[i]) / tokens,
        0,
      )
    const blocksFor = (choose: (topK: number) => number, topK = 1): number =>
      choose(topK) >= 0.9 ? topK : blocksFor(choose, topK + 1)
    const common = { causal: true, localBlocks: 1, blockShape: [block, block], backend }
    const unordered = blocksFor((topK) => share(selection.pooled(q, k, { ...common, topK }).mask, k, v))
    const ordered = blocksFor((topK) =>
      share(selection.pooled(q, orderedK, { ...common, topK, order }).mask, orderedK, orderedV),
    )
    const kept = (topK: number, isOrdered: boolean) =>
      selection.pooled(q, isOrdered ? orderedK : k, { ...common, topK, ...(isOrdered ? { order } : {}) }).mask
        .columnIndices.length
    expect(kept(ordered, true)).toBeLessThan(0.7 * kept(unordered, false))
  })
})

describe('tokenOrder', () => {
  const { q, k } = operands({ name: '', heads: 2, tokens: 40, keys: 40, headDim: 8 })
  const lists = () => [0, 1].map(() => Int32Array.from({ length: 40 }, (_, i) => i))
  const order = (change: object) => ({ segment: 10, queries: lists(), keys: lists(), ...change })

  it('may be made by hand', () => {
    const { mask } = selection.pooled(q, k, { topK: 1, order: order({}) })
    expect(mask).toEqual(selection.pooled(q, k, { topK: 1 }).mask)
  })

  it.each([
    ['kind', 3, TypeError, 'selection.pooled: order: expected a tokenOrder, got 3'],
    ['segment', order({ segment: 0 }), RangeError, 'order.segment: expected a whole number in 1..2^31, got 0'],
    ['lists', order({ keys: 1 }), TypeError, 'order.keys: expected lists of tokens, got 1'],
    ['heads', order({ keys: lists().slice(1) }), RangeError, 'order.keys: expected 2 lists (one for each head), got 1'],
    [
      'list',
      order({ queries: [[], []] }),
      TypeError,
      'order.queries: expected an Int32Array for each head, got Array(0)',
    ],
    [
      'length',
      order({ keys: lists().map((l) => l.subarray(1)) }),
      RangeError,
      'order.keys: expected lists of 40 tokens',
    ],
    ['twice', order({ keys: lists().map((l) => l.fill(1, 0, 2)) }), RangeError, 'got 1 at 1'],
    ['left', order({ keys: lists().map((l) => l.reverse()) }), RangeError, 'inside its segment of 10, got 39 at 0'],
  ])('is refused with a wrong %s', (_, wrong, kind, message) => {
    const act = () => selection.pooled(q, k, { topK: 1, order: wrong as ReturnType<typeof order> })
    expect(act).toThrow(kind)
    expect(act).toThrow(message)
  })

  it('refuses an order of other sizes, and wrong options', () => {
    const other = operands({ name: '', heads: 2, tokens: 41, keys: 41, headDim: 8 })
    const made = tokenOrder(other.q, other.k)
    expect(() => selection.pooled(q, k, { topK: 1, order: made })).toThrow('expected lists of 40 tokens')
    expect(() => tokenOrder(q, k, { segment: 0 })).toThrow('tokenOrder: segment: expected a whole number')
    expect(() => tokenOrder(q, k, { lastQueries: 0 })).toThrow('tokenOrder: lastQueries: expected a whole number')
  })
})
