import { describe, expect, it } from 'vitest'
import { attention, blockMask, zeros } from '../../src/index.ts'
import { deltaCorrection, rangeMask } from '../../src/methods/index.ts'
import { draw, expectNear, rmsDistance } from './support.ts'

/** A window of `window` tokens and `sinks` tokens at the beginning. */
function streaming(tokens: number, keys: number, window: number, sinks: number) {
  const shape = { blockShape: [16, 16], rows: tokens, columns: keys }
  const shift = keys - tokens
  return blockMask.or(
    rangeMask((query) => [query + shift - window + 1, query + shift + 1], shape),
    rangeMask((query) => [0, Math.min(sinks, query + shift + 1)], shape),
  )
}

describe('row 96: Delta Attention', () => {
  const [heads, keyHeads, tokens, headDim] = [4, 2, 150, 16]
  // Neighbouring queries are alike, as in a text: that is what the correction lives on.
  const q = draw([heads, tokens, headDim], 1)
  for (let head = 0; head < heads; head++)
    for (let i = headDim; i < tokens * headDim; i++) {
      const at = head * tokens * headDim + i
      q.data[at] = 0.95 * q.data[at - headDim] + 0.3 * q.data[at]
    }
  const k = draw([keyHeads, tokens, headDim], 2)
  const v = draw([keyHeads, tokens, headDim], 3)
  const mask = streaming(tokens, tokens, 24, 4)
  const sparse = attention(q, k, v, { mask }).output
  const dense = attention(q, k, v, { causal: true }).output

  it('with stride 1 equals full attention', () => {
    expectNear(deltaCorrection(q, k, v, sparse, { stride: 1 }).data, dense.data, 1e-6)
    const full = attention(q, k, v).output
    expectNear(deltaCorrection(q, k, v, sparse, { stride: 1, causal: false }).data, full.data, 1e-6)
  })

  it.each([4, 8, 16])('with stride %i is closer to full attention, and exact in every stride-th row', (stride) => {
    const corrected = deltaCorrection(q, k, v, sparse, { stride })
    expect(rmsDistance(corrected.data, dense.data)).toBeLessThan(0.9 * rmsDistance(sparse.data, dense.data))
    for (let query = 0; query < tokens; query += stride) {
      const row = (x: { data: Float32Array }) => x.data.subarray(query * headDim, (query + 1) * headDim)
      expectNear(row(corrected), row(dense), 1e-6)
    }
  })

  it('adds the difference of the last dense row', () => {
    const corrected = deltaCorrection(q, k, v, sparse, { stride: 10 })
    for (const query of [3, 19, 149]) {
      const anchor = query - (query % 10)
      const at = (row: number, i: number) => ((heads - 1) * tokens + row) * headDim + i
      for (let i = 0; i < headDim; i++)
        expect(corrected.data[at(query, i)]).toBeCloseTo(
          sparse.data[at(query, i)] + dense.data[at(anchor, i)] - sparse.data[at(anchor, i)],
          5,
        )
    }
  })

  it('leaves a sparse attention that misses nothing as it is, for batches and longer contexts too', () => {
    const part = { q: draw([2, 4, 33, 8], 5), k: draw([2, 4, 80, 8], 6), v: draw([2, 4, 80, 8], 7) }
    const exact = attention(part.q, part.k, part.v, { causal: true }).output
    expectNear(deltaCorrection(part.q, part.k, part.v, exact, { stride: 7 }).data, exact.data, 1e-6)
  })

  it('says what is wrong', () => {
    expect(() => deltaCorrection(q, k, v, sparse, { stride: 0 })).toThrow(
      'deltaCorrection: stride: expected a whole number in 1',
    )
    expect(() => deltaCorrection(q, k, v, sparse, { stride: '4' as unknown as number })).toThrow(TypeError)
    expect(() => deltaCorrection(q, k, v, zeros([heads, tokens, 8]))).toThrow(
      'deltaCorrection: sparse is [1, 4, 150, 8]',
    )
    expect(() => deltaCorrection(q, k, v, {} as typeof q)).toThrow(TypeError)
  })
})
