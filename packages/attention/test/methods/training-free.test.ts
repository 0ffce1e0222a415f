import { describe, expect, it } from 'vitest'
import { attention, decodeAttention, keyValueCache, type Tensor, tensor } from '../../src/index.ts'
import { gatherTokens, methodFlops, trainingFree } from '../../src/methods/index.ts'
import { draw, expectNear, rmsDistance } from './support.ts'

const [heads, keyHeads, tokens, headDim] = [2, 1, 256, 16]

/** Keys and queries in a few topics that change slowly, as in a text: attention has something to find. */
function topical(count: number, seed: number): Tensor {
  const x = draw([count, tokens, headDim], seed)
  const topics = draw([6, headDim], 99, 2)
  for (let i = 0; i < x.data.length; i++) {
    const token = Math.floor(i / headDim) % tokens
    const topic = Math.floor(token / 16) % 6
    x.data[i] = 0.6 * x.data[i] + topics.data[topic * headDim + (i % headDim)]
  }
  return x
}

const q = topical(heads, 1)
const k = topical(keyHeads, 2)
const v = draw([keyHeads, tokens, headDim], 3)
const dense = attention(q, k, v, { causal: true }).output

describe.each(trainingFree.prefill)('row 28: $name in prefill', (method) => {
  const select = (budget: number) => method.select(q, k, budget, { blockShape: [16, 16] })

  it('with a budget of 1 equals dense attention', () => {
    const { mask } = select(1)
    expectNear(attention(q, k, v, { mask }).output.data, dense.data, 1e-6)
    const { attention: used, dense: all } = methodFlops(q, k, select(1))
    expect(used).toBe(all)
  })

  it('costs more and errs less the larger the budget is', () => {
    const points = [0.1, 0.4, 0.8, 1].map((budget) => {
      const chosen = select(budget)
      const error = rmsDistance(attention(q, k, v, { mask: chosen.mask }).output.data, dense.data)
      return { error, ...methodFlops(q, k, chosen) }
    })
    for (let i = 1; i < points.length; i++) {
      expect(points[i].attention).toBeGreaterThanOrEqual(points[i - 1].attention)
      expect(points[i].error).toBeLessThanOrEqual(1.05 * points[i - 1].error)
    }
    // Lines meet more blocks than they fill.
    expect(points[0].attention).toBeLessThan((method.unit === 'lines' ? 0.9 : 0.5) * points[0].dense)
    expect(points[0].error).toBeGreaterThan(0)
    // What is fixed costs nothing to choose.
    expect(points[0].selection > 0).toBe(method.unit !== 'fixed')
  })

  it('says what is wrong', () => {
    expect(() => select(0)).toThrow(`${method.name}: expected a budget above 0 up to 1, got 0`)
    expect(() => method.select(q, k, '1' as never)).toThrow(TypeError)
    expect(() => method.select(q, k, 0.5, null as never)).toThrow(TypeError)
  })
})

describe('row 28: a budget of blocks or of a window', () => {
  it.each(trainingFree.prefill.filter(({ unit }) => unit !== 'lines'))(
    'is about a share of the pairs: $name',
    (method) => {
      const chosen = method.select(q, k, 0.3, { blockShape: [16, 16] })
      const { attention: used, dense: all } = methodFlops(q, k, chosen)
      expect(used / all).toBeGreaterThan(0.2)
      expect(used / all).toBeLessThan(0.45)
    },
  )
})

describe('row 28: at equal cost', () => {
  it('a choice that looks at q and k beats one that does not', () => {
    const errorOf = (name: string, budget: number) => {
      const method = trainingFree.prefill.find((other) => other.name === name)!
      const { mask } = method.select(q, k, budget, { blockShape: [16, 16] })
      return rmsDistance(attention(q, k, v, { mask }).output.data, dense.data)
    }
    for (const name of ['pooled', 'exact']) expect(errorOf(name, 0.3)).toBeLessThan(0.8 * errorOf('slidingWindow', 0.3))
    // No choice of blocks is better than that by their true shares.
    expect(errorOf('exact', 0.3)).toBeLessThanOrEqual(1.05 * errorOf('pooled', 0.3))
  })
})

describe.each(trainingFree.decode)('row 28: $name in decoding', (method) => {
  it('with a budget of 1 equals dense decoding, and errs less the larger it is', () => {
    const cache = keyValueCache({ keyHeads, headDim, pageSize: 16, pages: 16 })
    const selector = method.open(cache)
    const errors = [0, 0, 0, 0]
    for (let token = 0; token < tokens; token++) {
      const part = (x: Tensor) => gatherTokens(x, [token])
      cache.append(part(k), part(v))
      if (token < 200) continue
      const all = decodeAttention(part(q), cache).output
      for (const [i, budget] of [0.2, 0.5, 0.8, 1].entries()) {
        const { blocks } = selector.select(part(q), budget)
        expect(blocks[0].length).toBe(Math.ceil(budget * cache.blocks))
        errors[i] += rmsDistance(decodeAttention(part(q), cache, { blocks }).output.data, all.data)
      }
    }
    expect(errors[3]).toBe(0)
    for (let i = 1; i < 4; i++) expect(errors[i]).toBeLessThan(errors[i - 1])
    expect(() => selector.select(draw([heads, 1, headDim], 1), 2)).toThrow(`${method.name}: expected a budget above 0`)
    cache.dispose()
  })
})

describe('methodFlops', () => {
  it('counts kept pairs, for grouped heads and batches', () => {
    const [a, b] = [tensor(q.data, [1, heads, tokens, headDim]), tensor(k.data, [1, keyHeads, tokens, headDim])]
    const chosen = trainingFree.prefill[0].select(a, b, 0.5)
    const pairs = Array.from({ length: tokens }, (_, query) => {
      const window = Math.round(tokens * (1 - Math.sqrt(0.5)))
      return Math.min(query + 1, window + Math.min(4, Math.max(0, query + 1 - window)))
    }).reduce((x, y) => x + y)
    expect(methodFlops(a, b, chosen).attention).toBe(4 * heads * headDim * pairs)
  })
})
