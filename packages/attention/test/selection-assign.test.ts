import { describe, expect, it } from 'vitest'
import {
  assignSelectors,
  attention,
  type BlockMask,
  blockMask,
  keptShare,
  patterns,
  type Selector,
  selection,
  type Tensor,
  tensor,
  wasm,
} from '../src/index.ts'
import { expectClose } from './close.ts'
import { normal, operands } from './problems.ts'

const size = { rows: 96, columns: 96, blockShape: [16, 16] }
const free = { flops: 0, bytes: 0, nanoseconds: 0 }

/** Head 0 looks back a little, head 1 at one block, head 2 at five columns. */
function planted(): { q: Tensor; k: Tensor } {
  const headDim = 128
  const [tokens, block] = [96, 16]
  const code = normal(tokens * headDim, 3, headDim ** -0.5)
  const at = (key: number, i: number) => code[key * headDim + i]
  const wanted = [
    (i: number) => [i, Math.max(0, i - 1), Math.max(0, i - 3)],
    (i: number) => Array.from({ length: block }, (_, j) => Math.floor(i / block / 2) * block + j),
    () => [4, 20, 37, 50, 66],
  ]
  const q = new Float32Array(3 * tokens * headDim)
  wanted.forEach((keys, head) => {
    for (let i = 0; i < tokens; i++)
      for (const key of keys(i))
        for (let c = 0; c < headDim; c++) q[(head * tokens + i) * headDim + c] += 12 * at(key, c)
  })
  const k = new Float32Array([...code, ...code, ...code])
  return { q: tensor(q, [3, tokens, headDim]), k: tensor(k, [3, tokens, headDim]) }
}

const selectors: Selector[] = [
  () => ({ mask: patterns.slidingWindow({ ...size, window: 16 }), cost: free }),
  (q, k) => selection.pooled(q, k, { topK: 1, causal: true, localBlocks: 0, scale: 1, blockShape: [16, 16] }),
  (q, k) =>
    selection.verticalSlash(q, k, {
      vertical: { topK: 5 },
      slash: { topK: 1 },
      window: 0,
      causal: true,
      scale: 1,
      pairs: true,
      blockShape: [16, 16],
    }),
]

describe('patterns.perHead', () => {
  it('takes each head from its mask', () => {
    const one = patterns.causal(size)
    const three = patterns.randomBlocks({ ...size, heads: 3, perRow: 2, seed: 1 })
    const window = patterns.slidingWindow({ ...size, window: 5 })
    const mask = patterns.perHead([one, three, window])
    const dense = blockMask.toDense(mask)
    const pairs = 96 * 96
    expect(dense.subarray(0, pairs)).toEqual(blockMask.toDense(one))
    expect(dense.subarray(pairs, 2 * pairs)).toEqual(blockMask.toDense(three).subarray(pairs, 2 * pairs))
    expect(dense.subarray(2 * pairs)).toEqual(blockMask.toDense(window))
    expect(mask.elements.length).toBeLessThan(one.elements.length + window.elements.length + 1)
  })

  it.each([
    ['no list', patterns.causal(size), TypeError, 'patterns.perHead: expected masks, got a block-mask layout'],
    ['nothing', [], RangeError, 'patterns.perHead: expected a mask for each head, got none'],
    ['no mask', [{}], TypeError, 'patterns.perHead: mask 0: expected a blockMask'],
    [
      'two sizes',
      [patterns.causal(size), patterns.causal({ ...size, rows: 9 })],
      RangeError,
      'got 96x96 in blocks of 16x16',
    ],
    ['other heads', [patterns.causal({ ...size, heads: 2 })], RangeError, 'mask 0 has 2 heads, expected 1 or 1'],
  ])('refuses %s', (_, masks, kind, message) => {
    const act = () => patterns.perHead(masks as BlockMask[])
    expect(act).toThrow(kind)
    expect(act).toThrow(message)
  })
})

describe('keptShare', () => {
  it('is the share of the attention map that a mask keeps', () => {
    const { q, k, v } = operands({ name: '', heads: 2, tokens: 96, keys: 96, headDim: 8, size: 1.5 })
    const mask = patterns.slidingWindow({ ...size, window: 20 })
    const full = attention(q, k, v, { causal: true })
    const shares = keptShare(attention(q, k, v, { mask }), full)
    for (let head = 0; head < 2; head++) {
      let sum = 0
      for (let i = 0; i < 96; i++)
        for (let j = Math.max(0, i - 19); j <= i; j++) {
          let dot = 0
          for (let c = 0; c < 8; c++) dot += q.data[(head * 96 + i) * 8 + c] * k.data[(head * 96 + j) * 8 + c]
          sum += Math.exp(dot / Math.sqrt(8) - full.logSumExp.data[head * 96 + i]) / 96
        }
      expect(shares[head]).toBeCloseTo(sum, 5)
    }
    expect([...keptShare(full, full)]).toEqual([1, 1])
    const none = attention(q, k, v, { mask: blockMask.fromPredicate(() => false, size) })
    expect([...keptShare(none, full)]).toEqual([0, 0])
    const other = operands({ name: '', heads: 2, tokens: 9, keys: 9, headDim: 8 })
    expect(() => keptShare(attention(other.q, other.k, other.v), full)).toThrow(
      'keptShare: expected logSumExp of one shape',
    )
  })
})

describe('assignSelectors', () => {
  const { q, k } = planted()
  const { choice, shares } = assignSelectors(q, k, selectors, { causal: true, scale: 1 })

  it('finds the pattern that was planted in each head', () => {
    expect(choice).toEqual([0, 1, 2])
    choice.forEach((number, head) => {
      for (const [other, share] of shares.entries())
        if (other !== number) expect(share[head]).toBeLessThan(shares[number][head])
    })
  })

  it('is what selection.assigned then uses, head by head', () => {
    const inWasm = (x: Tensor) => {
      const copy = wasm.allocateTensor(x.shape)
      copy.data.set(x.data)
      return copy
    }
    const { mask, cost } = selection.assigned(q, k, { choice, selectors })
    const whole = selectors.map((select) => select(q, k))
    const expected = patterns.perHead(choice.map((number) => whole[number].mask))
    expect(blockMask.toDense(mask)).toEqual(blockMask.toDense(expected))
    expect(cost.flops).toBe(whole[1].cost.flops / 3 + whole[2].cost.flops / 3)
    expect(selection.assigned(inWasm(q), inWasm(k), { choice, selectors }).mask).toEqual(mask)
  })

  it('serves batches and groups', () => {
    const many = operands({ name: '', batch: 2, heads: 4, keyHeads: 2, tokens: 96, keys: 96, headDim: 8 })
    const numbers = [1, 2, 0, 1, 2, 1, 1, 2]
    const { mask } = selection.assigned(many.q, many.k, { choice: numbers, selectors })
    const whole = selectors.map((select) => select(many.q, many.k).mask)
    const expected = patterns.perHead(numbers.map((number) => whole[number]))
    expect(blockMask.toDense(mask)).toEqual(blockMask.toDense(expected))
  })

  it('refuses what does not fit', () => {
    expect(() => assignSelectors(q, k, [])).toThrow(
      'assignSelectors: expected functions (q, k) => selection, got Array(0)',
    )
    expect(() => assignSelectors(q, k, [1 as unknown as Selector])).toThrow(TypeError)
    const act = (choice: number[]) => () => selection.assigned(q, k, { choice, selectors })
    expect(act([0, 1])).toThrow('selection.assigned: expected a choice for 3 heads, got Array(2)')
    expect(act([0, 1, 3])).toThrow('selection.assigned: choice[2]: expected a number in 0..2, got 3')
  })
})

describe('selection.perEntry', () => {
  const { q, k, v } = operands({ name: '', batch: 3, heads: 4, keyHeads: 2, tokens: 50, keys: 70, headDim: 8 })
  const keyLengths = [70, 33, 0]

  it('chooses among the keys of each entry, whatever the padding holds', () => {
    const padded = (x: Tensor) =>
      tensor(
        x.data.map((value, i) => (Math.floor(i / 8) % 70 < keyLengths[Math.floor(i / 8 / 70 / 2)] ? value : 1e6)),
        x.shape,
      )
    for (const causal of [false, true]) {
      const select: Selector = (a, b) => selection.pooled(a, b, { topK: 2, causal, blockShape: [16, 16] })
      const { mask, cost } = selection.perEntry(q, padded(k), { keyLengths, select })
      expect(mask).toEqual(selection.perEntry(q, k, { keyLengths, select }).mask)
      expect([mask.heads, mask.rows, mask.columns]).toEqual([12, 50, 70])
      expect(cost.flops).toBeGreaterThan(0)
      const all: Selector = (a, b) => selection.pooled(a, b, { density: 1, causal, blockShape: [16, 16] })
      const whole = selection.perEntry(q, padded(k), { keyLengths, select: all }).mask
      const kept = attention(q, k, v, { mask: whole, keyLengths })
      const dense = attention(q, k, v, { causal, keyLengths })
      expectClose(kept.output.data, dense.output.data)
    }
  })

  it('refuses what does not fit', () => {
    const select: Selector = (a, b) => selection.pooled(a, b, { topK: 2 })
    const act = (options: object) => () => selection.perEntry(q, k, { keyLengths, select, ...options })
    expect(act({ select: 1 })).toThrow('selection.perEntry: expected select to be a function, got 1')
    expect(act({ keyLengths: [1] })).toThrow('selection.perEntry: expected keyLengths of 3 batch entries, got Array(1)')
    expect(act({ keyLengths: [1, 2, 71] })).toThrow('keyLengths[2]: expected a whole number in 0..70, got 71')
    expect(act({ select: () => ({ mask: patterns.causal(size), cost: free }) })).toThrow(
      'select gave a mask of 1 heads, 96x96, expected 4 heads, 50x70',
    )
  })
})
