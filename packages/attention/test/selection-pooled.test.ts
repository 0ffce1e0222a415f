import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attention, blockMask, js, poolTokens, selection, type Tensor, tensor, wasm } from '../src/index.ts'
import { expectClose } from './close.ts'
import { normal, operands } from './problems.ts'

const BACKENDS = [
  ['js', js],
  ['wasm', wasm.open()],
] as const

/** Block columns of a block row of a head. */
function kept({ mask }: { mask: ReturnType<typeof blockMask> }, head: number, row: number): number[] {
  const at = head * Math.ceil(mask.rows / mask.blockShape[0]) + row
  return [...mask.columnIndices.subarray(mask.rowOffsets[at], mask.rowOffsets[at + 1])]
}

/** q and k in which block row r of each head looks for block `partner(head, r)`. */
function planted(
  heads: number,
  rows: number,
  columns: number,
  block: number,
  partner: (h: number, r: number) => number,
) {
  const headDim = 16
  const direction = (h: number, c: number) => normal(headDim, 1000 * h + c + 1)
  const make = (count: number, of: (h: number, b: number) => number) => {
    const data = normal(heads * count * headDim, count, 0.3)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < count; t++) {
        const d = direction(h, of(h, Math.floor(t / block)))
        for (let i = 0; i < headDim; i++) data[(h * count + t) * headDim + i] += d[i]
      }
    return tensor(data, [heads, count, headDim])
  }
  return { q: make(rows, partner), k: make(columns, (_, c) => c) }
}

describe.each(BACKENDS)('poolTokens on %s', (_, backend) => {
  it('gives means, maxima and minima of blocks, of the last and shorter one too', () => {
    fc.assert(
      fc.property(
        fc.record({
          batch: fc.integer({ min: 1, max: 2 }),
          heads: fc.integer({ min: 1, max: 3 }),
          tokens: fc.integer({ min: 0, max: 70 }),
          vectors: fc.constantFrom(1, 2, 8, 9, 20),
          block: fc.integer({ min: 1, max: 80 }),
          gap: fc.constantFrom(0, 4),
        }),
        ({ batch, heads, tokens, vectors, block, gap }) => {
          const headDim = 4 * vectors
          const stride = headDim + gap
          const data = normal(batch * heads * tokens * stride, tokens + block)
          const strides = [heads * tokens * stride, tokens * stride, stride, 1]
          const x = tensor(data, [batch, heads, tokens, headDim], { strides })
          const blocks = Math.ceil(tokens / block)
          const expected = { mean: [] as number[], maximum: [] as number[], minimum: [] as number[] }
          for (let g = 0; g < batch * heads; g++)
            for (let b = 0; b < blocks; b++)
              for (let i = 0; i < headDim; i++) {
                const values = Array.from(
                  { length: Math.min(block, tokens - b * block) },
                  (_, t) => data[(g * tokens + b * block + t) * stride + i],
                )
                expected.mean.push(values.reduce((sum, y) => sum + y, 0) / values.length)
                expected.maximum.push(Math.max(...values))
                expected.minimum.push(Math.min(...values))
              }
          for (const pool of ['mean', 'maximum', 'minimum'] as const) {
            const result = poolTokens(x, { block, pool, backend })
            expect(result.shape).toEqual([batch, heads, blocks, headDim])
            expectClose(result.data, expected[pool])
          }
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe.each(BACKENDS)('selection.pooled on %s', (_, backend) => {
  it('keeps planted blocks, and no others', () => {
    const partner = (h: number, r: number) => (3 * r + h + 1) % 6
    const { q, k } = planted(3, 100, 90, 16, partner)
    const result = selection.pooled(q, k, { topK: 1, blockShape: [16, 16], backend })
    for (let h = 0; h < 3; h++)
      for (let r = 0; r < 7; r++) expect(kept(result, h, r), `head ${h}, row ${r}`).toEqual([partner(h, r)])
    expect(result.cost.flops).toBeGreaterThan(0)
    expect(result.cost.bytes).toBe(4 * 16 * 3 * 190)
    expect(result.cost.nanoseconds).toBeGreaterThan(0)
  })

  it('keeps sinks and the diagonal, and counts them', () => {
    const { q, k } = planted(1, 96, 96, 16, () => 2)
    const options = { topK: 3, sinkBlocks: 1, localBlocks: 1, blockShape: [16, 16], backend }
    const both = selection.pooled(q, k, options)
    expect(kept(both, 0, 5)).toEqual([0, 2, 5])
    expect(kept(both, 0, 1)).toEqual([0, 1, 2])
    const causal = selection.pooled(q, k, { ...options, causal: true })
    expect(kept(causal, 0, 0)).toEqual([0])
    expect(kept(causal, 0, 1)).toEqual([0, 1])
    expect(kept(causal, 0, 4)).toEqual([0, 2, 4])
  })

  it('takes blocks until their share of the softmax reaches the threshold', () => {
    const { q, k } = planted(2, 128, 128, 16, (h, r) => (r + h) % 8)
    const options = { blockShape: [16, 16], scale: 1, backend }
    const few = selection.pooled(q, k, { ...options, threshold: 0.5 })
    const more = selection.pooled(q, k, { ...options, threshold: 0.99999 })
    const all = selection.pooled(q, k, { ...options, threshold: 1 })
    expect(blockMask.density(few.mask)).toBeLessThan(0.2)
    expect(blockMask.density(more.mask)).toBeGreaterThan(blockMask.density(few.mask))
    expect(blockMask.density(all.mask)).toBe(1)
    const capped = selection.pooled(q, k, { ...options, threshold: 1, topK: 2 })
    expect(blockMask.density(capped.mask)).toBe(0.25)
    expect(blockMask.density(selection.pooled(q, k, { ...options, density: 0.3 }).mask)).toBe(3 / 8)
  })

  it('is causal to the pair, for any number of queries and keys', () => {
    fc.assert(
      fc.property(
        fc.record({
          tokens: fc.integer({ min: 0, max: 60 }),
          keys: fc.integer({ min: 0, max: 60 }),
          blockShape: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })),
        }),
        ({ tokens, keys, blockShape }) => {
          const { q, k } = operands({ name: '', heads: 2, tokens, keys, headDim: 4 })
          const { mask } = selection.pooled(q, k, { density: 1, causal: true, blockShape, backend })
          const size = { blockShape, heads: 2, rows: tokens, columns: keys }
          const expected = blockMask.fromPredicate((_, i, j) => j <= i + keys - tokens, size)
          expect(blockMask.toDense(mask)).toEqual(blockMask.toDense(expected))
          const some = selection.pooled(q, k, { topK: 2, causal: true, blockShape, backend }).mask
          expect(blockMask.keptPairs(blockMask.and(some, expected))).toBe(blockMask.keptPairs(some))
          // The block of each query's own key is kept, so that no query is left without.
          for (let i = Math.max(0, tokens - keys); i < tokens; i++)
            expect(blockMask.toDense(some)[i * keys + i + keys - tokens]).toBe(1)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('serves batches and groups, whose heads may share their blocks', () => {
    const { q, k, v } = operands({ name: '', batch: 2, heads: 4, keyHeads: 2, tokens: 100, keys: 120, headDim: 8 })
    const options = { topK: 3, blockShape: [16, 32], backend }
    const { mask } = selection.pooled(q, k, options)
    expect(mask.heads).toBe(8)
    for (let b = 0; b < 2; b++)
      for (let h = 0; h < 4; h++) {
        const one = selection.pooled(head(q, b, h), head(k, b, Math.floor(h / 2)), options)
        for (let row = 0; row < 7; row++) expect(kept({ mask }, 4 * b + h, row)).toEqual(kept(one, 0, row))
      }
    expect(attention(q, k, v, { mask, backend }).output.data.every(Number.isFinite)).toBe(true)
    const shared = selection.pooled(q, k, { ...options, sharedByGroup: true })
    for (let head = 0; head < 8; head += 2)
      for (let row = 0; row < 7; row++) expect(kept(shared, head, row)).toEqual(kept(shared, head + 1, row))
  })

  it('chooses as many blocks where scores are equal, infinite or NaN', () => {
    for (const value of [0, Number.POSITIVE_INFINITY, Number.NaN]) {
      const x = tensor(new Float32Array(64 * 4).fill(value), [1, 64, 4])
      const { mask } = selection.pooled(x, x, { topK: 2, blockShape: [16, 16], backend })
      expect([...mask.columnIndices]).toEqual([0, 1, 0, 1, 0, 1, 0, 1])
    }
  })
})

function head(x: Tensor, batch: number, index: number): Tensor {
  const [, heads, tokens, headDim] = x.shape
  const from = (batch * heads + index) * tokens * headDim
  return tensor(x.data.subarray(from, from + tokens * headDim), [1, tokens, headDim])
}

describe('poolTokens', () => {
  it('pools long heads in parts, on any number of threads', async () => {
    const [heads, tokens, headDim, block] = [2, 5000, 64, 70]
    const data = normal(heads * tokens * (headDim + 4), 1)
    const strides = [tokens * (headDim + 4), headDim + 4, 1]
    const x = tensor(data, [heads, tokens, headDim], { strides })
    const expected = poolTokens(x, { block, backend: js }).data
    for (const threads of [1, 2])
      expectClose(poolTokens(x, { block, backend: await wasm.threads(threads) }).data, expected)
    const whole = poolTokens(x, { block: 4000, backend: wasm }).data
    expectClose(whole, poolTokens(x, { block: 4000, backend: js }).data)
  })
})

describe('selection.pooled', () => {
  const { q, k } = operands({ name: '', heads: 4, keyHeads: 2, tokens: 200, keys: 200, headDim: 32 })

  it('chooses the same in memory of WASM, on any number of threads, and in plain JS', async () => {
    const inWasm = (x: Tensor) => {
      const copy = wasm.allocateTensor(x.shape)
      copy.data.set(x.data)
      return copy
    }
    const options = { topK: 4, causal: true, blockShape: [16, 16] }
    const expected = selection.pooled(q, k, { ...options, backend: js }).mask
    const backends = [await wasm.threads(1), await wasm.threads(2)]
    for (const backend of backends) {
      expect(selection.pooled(q, k, { ...options, backend }).mask).toEqual(expected)
      expect(selection.pooled(inWasm(q), inWasm(k), { ...options, backend }).mask).toEqual(expected)
    }
  })

  it.each([
    ['no budget', {}, TypeError, 'selection.pooled: expected topK, density or threshold'],
    ['topK', { topK: 0 }, RangeError, 'selection.pooled: topK: expected a whole number in 1..2^31, got 0'],
    ['density', { density: 2 }, RangeError, 'selection.pooled: density: expected a number in 0..1, got 2'],
    ['threshold', { threshold: '1' }, TypeError, 'selection.pooled: threshold: expected a number, got "1"'],
    ['blocks', { topK: 1, blockShape: [0, 1] }, RangeError, 'selection.pooled: expected a blockShape'],
    ['sinks', { topK: 1, sinkBlocks: -1 }, RangeError, 'selection.pooled: sinkBlocks: expected a whole number'],
    ['causal', { topK: 1, causal: 1 }, TypeError, 'selection.pooled: causal: expected true or false, got 1'],
    ['scale', { topK: 1, scale: Number.NaN }, RangeError, 'selection.pooled: scale: expected a finite number'],
    ['shared', { topK: 1, sharedByGroup: 'no' }, TypeError, 'selection.pooled: sharedByGroup: expected true or false'],
  ])('refuses wrong options: %s', (_, options, kind, message) => {
    const act = () => selection.pooled(q, k, options as Parameters<typeof selection.pooled>[2])
    expect(act).toThrow(kind as ErrorConstructor)
    expect(act).toThrow(message as string)
  })

  it('refuses operands that do not fit, and poolings that do not exist', () => {
    expect(() => selection.pooled(q, {} as Tensor, { topK: 1 })).toThrow('selection.pooled: k: expected a tensor')
    const three = operands({ name: '', heads: 3, tokens: 8, headDim: 32 }).k
    expect(() => selection.pooled(q, three, { topK: 1 })).toThrow('expected keyHeads to divide heads, got 3 and 4')
    expect(() => poolTokens(q, { block: 0 })).toThrow('poolTokens: block: expected a whole number')
    expect(() => poolTokens(q, { block: 4, pool: 'sum' as 'mean' })).toThrow('expected "mean", "maximum" or "minimum"')
  })
})
