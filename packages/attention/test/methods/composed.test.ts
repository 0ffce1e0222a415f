import { describe, expect, it } from 'vitest'
import {
  attention,
  attentionBackward,
  blockMask,
  OnlineKMeans,
  patterns,
  ReusedMask,
  reference,
  referenceBackward,
  selection,
  type Tensor,
  tensor,
} from '../../src/index.ts'
import { deltaCorrection, gatherTokens } from '../../src/methods/index.ts'
import { draw, expectNear, rmsDistance } from './support.ts'

const [heads, keyHeads, tokens, headDim] = [4, 2, 96, 8]
const q = draw([heads, tokens, headDim], 1)
const k = draw([keyHeads, tokens, headDim], 2)
const v = draw([keyHeads, tokens, headDim], 3)
const dOutput = draw([heads, tokens, headDim], 4)
const size = { rows: tokens, columns: tokens, blockShape: [8, 8] }

/** Forward and backward against the definition with the same mask. */
function expectMasked(mask: ReturnType<typeof blockMask>): void {
  const forward = attention(q, k, v, { mask })
  expectNear(forward.output.data, reference(q, k, v, { mask }).output, 2e-6)
  const gradients = attentionBackward(dOutput, { q, k, v, ...forward, mask })
  const expected = referenceBackward(dOutput, q, k, v, { mask })
  for (const name of ['dQ', 'dK', 'dV'] as const) expectNear(gradients[name].data, expected[name], 1e-5, name)
}

describe('row 18: Pixelated Butterfly', () => {
  it('is a flat block butterfly and a low-rank part, of global tokens: aligned to blocks, in the closed form', () => {
    const butterfly = patterns.butterfly({ ...size, rows: 128, columns: 128, stride: 16 })
    expect(butterfly.elements).toHaveLength(0)
    expect(butterfly.columnIndices).toHaveLength(16 * (1 + 4))
    const mask = blockMask.or(
      patterns.butterfly({ rows: 64, columns: 64, blockShape: [8, 8], stride: 8 }),
      patterns.globalTokens({ rows: 64, columns: 64, blockShape: [8, 8], tokens: 8 }),
    )
    expect(mask.elements).toHaveLength(0)
    const some = (x: Tensor) => gatherTokens(x, [...Array(64).keys()])
    const forward = attention(some(q), some(k), some(v), { mask })
    expectNear(forward.output.data, reference(some(q), some(k), some(v), { mask }).output, 2e-6)
    const saved = { q: some(q), k: some(k), v: some(v), ...forward, mask }
    const expected = referenceBackward(some(dOutput), some(q), some(k), some(v), { mask })
    const gradients = attentionBackward(some(dOutput), saved)
    for (const name of ['dQ', 'dK', 'dV'] as const) expectNear(gradients[name].data, expected[name], 1e-5, name)
  })
})

describe('row 72: Routing Transformer', () => {
  it('attends inside clusters of queries and keys and to a window, forward and backward', () => {
    const clusters = new OnlineKMeans({ heads: keyHeads, headDim, clusters: 4, seed: 1 })
    for (let step = 0; step < 5; step++) clusters.update(k, k)
    const members = clusters.assign(k, { size: tokens / 4 })
    const routed = patterns.clusters({ ...size, heads: keyHeads, queries: members, keys: members, causal: true })
    const near = patterns.slidingWindow({ ...size, window: 8 })
    const mask = blockMask.or(routed, near)
    const forward = attention(k, k, v, { mask })
    expectNear(forward.output.data, reference(k, k, v, { mask }).output, 2e-6)
    const slope = draw([keyHeads, tokens, headDim], 9)
    const gradients = attentionBackward(slope, { q: k, k, v, ...forward, mask })
    const expected = referenceBackward(slope, k, k, v, { mask })
    for (const name of ['dQ', 'dK', 'dV'] as const) expectNear(gradients[name].data, expected[name], 1e-5, name)
  })
})

describe('row 97: Sparse Transformer', () => {
  it('recomputes to the bit: gradients of a forward pass that was made again are those of the stored one', () => {
    for (const mask of [
      patterns.strided({ ...size, stride: 10 }),
      patterns.fixed({ ...size, stride: 12, summary: 2 }),
    ]) {
      expectMasked(mask)
      const stored = attention(q, k, v, { mask })
      const again = attention(q, k, v, { mask })
      expect(attentionBackward(dOutput, { q, k, v, ...again, mask })).toEqual(
        attentionBackward(dOutput, { q, k, v, ...stored, mask }),
      )
    }
  })
})

describe('row 165: PowerAttention', () => {
  it('equals dense attention on its pattern, backward too', () => {
    expectMasked(patterns.powerOfTwo({ ...size, window: 4 }))
  })
})

describe('row 81: SeerAttention', () => {
  it('can be trained through: gradients on the kept blocks are those of masked dense attention', () => {
    expectMasked(selection.pooled(q, k, { blockShape: [8, 8], density: 0.3, causal: true }).mask)
  })
})

describe('row 70: SparseD', () => {
  it('is dense to the bit in early steps, then sparse with one mask for all', () => {
    const reused = new ReusedMask({
      select: (q, k) => selection.exact(q, k, { blockShape: [8, 8], density: 0.3 }),
      fullSteps: 2,
    })
    const masks = Array.from({ length: 6 }, (_, step) => {
      const noisy = tensor(
        q.data.map((x, i) => x + 0.01 * Math.sin(step * i)),
        q.shape,
      )
      const mask = reused.next(noisy, k)
      const { output } = attention(noisy, k, v, { mask })
      if (step < 2) expect(output).toEqual(attention(noisy, k, v).output)
      else expectNear(output.data, reference(noisy, k, v, { mask: mask! }).output, 2e-6)
      return mask
    })
    expect(reused.selections).toBe(1)
    expect(new Set(masks.slice(2)).size).toBe(1)
    expect(reused.cost.flops / reused.steps).toBeLessThan(reused.cost.flops / 5)
  })
})

describe('row 96: Delta Attention', () => {
  it.each([
    ['strided', patterns.strided({ ...size, stride: 12 })],
    ['window with sinks', patterns.slidingWindow({ ...size, window: 12, sinks: 4 })],
    ['pooled', selection.pooled(q, k, { blockShape: [8, 8], density: 0.2, causal: true }).mask],
  ])('corrects any sparse attention: %s', (_, mask) => {
    const dense = attention(q, k, v, { causal: true }).output.data
    const sparse = attention(q, k, v, { mask }).output
    expectNear(deltaCorrection(q, k, v, sparse, { stride: 1 }).data, dense, 1e-6)
    // Queries that are all alike miss the same: what one of them misses puts the others right.
    const alike = gatherTokens(q, new Array(tokens).fill(5))
    const all = attention(alike, k, v, { causal: true }).output.data
    const few = attention(alike, k, v, { mask }).output
    const corrected = deltaCorrection(alike, k, v, few, { stride: 4 })
    expect(rmsDistance(corrected.data, all)).toBeLessThan(0.9 * rmsDistance(few.data, all))
  })
})
