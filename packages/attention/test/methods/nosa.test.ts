import { describe, expect, it } from 'vitest'
import { attention, decodeAttention, keyValueCache, type Tensor, tensor } from '../../src/index.ts'
import { gatherTokens, type NosaOptions, nosaCache, nosaMask } from '../../src/methods/index.ts'
import { draw, expectNear, inner } from './support.ts'

const [heads, keyHeads, headDim, tokens] = [4, 2, 8, 203]
const q = draw([heads, tokens, headDim], 1)
const k = draw([keyHeads, tokens, headDim], 2)
const v = draw([keyHeads, tokens, headDim], 3)
const scores = draw([keyHeads, tokens], 4)
const part = (x: Tensor, token: number) => gatherTokens(x, [token])
const scoreOf = (token: number) => tensor([scores.data[token], scores.data[tokens + token]], [keyHeads, 1])

const options = { keyHeads, headDim, pageSize: 8, queryAgnostic: 4, queryAware: 3, initial: 1, local: 2 }
const blockBytes = 8 * keyHeads * headDim * 8

/** Decodes all tokens; `visit` sees each step, and a cache in which everything is resident. */
function decode(
  settings: NosaOptions,
  visit: (
    step: ReturnType<ReturnType<typeof nosaCache>['step']>,
    token: number,
    all: ReturnType<typeof keyValueCache>,
  ) => void,
): ReturnType<typeof nosaCache> {
  const offloaded = nosaCache(settings)
  const all = keyValueCache({ keyHeads, headDim, pageSize: settings.pageSize, pages: tokens })
  for (let token = 0; token < tokens; token++) {
    all.append(part(k, token), part(v, token))
    visit(offloaded.step(part(q, token), part(k, token), part(v, token), scoreOf(token)), token, all)
  }
  all.dispose()
  return offloaded
}

describe('row 155: NOSA', () => {
  it('gives the bits of attention to the same blocks of a cache that is resident as a whole', () => {
    decode(options, ({ output, blocks }, token, all) => {
      const expected = decodeAttention(part(q, token), all, { blocks }).output
      expect([...output.data], `token ${token}`).toEqual([...expected.data])
    }).dispose()
  })

  it('that may choose every block equals dense decoding', () => {
    decode({ ...options, queryAware: 100 }, ({ output, fetchedBytes }, token, all) => {
      expect(fetchedBytes).toBe(0)
      expect([...output.data]).toEqual([...decodeAttention(part(q, token), all).output.data])
    }).dispose()
  })

  it('fetches no more than the blocks that the query chooses, and holds a constant number of pages', () => {
    let fetched = 0
    const cache = decode(options, ({ fetchedBytes }) => {
      expect(fetchedBytes % blockBytes).toBe(0)
      expect(fetchedBytes).toBeLessThanOrEqual(options.queryAware * blockBytes)
      fetched += fetchedBytes
    })
    expect(fetched).toBeGreaterThan(0)
    expect(cache.residentBytes).toBe(11 * blockBytes)
    expect(cache.hostBytes).toBe(Math.floor(tokens / 8) * blockBytes)
    expect(cache.length).toBe(tokens)
    cache.dispose()
  })

  it('fetches less the more pages it has', () => {
    const bytes = [11, 16, 26].map((pages) => {
      let fetched = 0
      decode({ ...options, pages }, (step) => {
        fetched += step.fetchedBytes
      }).dispose()
      return fetched
    })
    expect(bytes[0]).toBeGreaterThan(bytes[1])
    expect(bytes[1]).toBeGreaterThan(bytes[2])
    expect(bytes[2]).toBe(0)
  })

  it('keeps at least the query-agnostic share from step to step', () => {
    let last: readonly number[] = []
    decode(options, ({ blocks, queryAgnostic }, token) => {
      const common = blocks.filter((block) => last.includes(block)).length
      // The block that begins takes the place of one at the end.
      const begins = token % 8 === 0 ? 1 : 0
      if (last.length > 0) expect(common).toBeGreaterThanOrEqual(Math.min(queryAgnostic.length, last.length) - begins)
      last = blocks
    }).dispose()
  })

  it('chooses by the scores of the tokens first, and by the query among the rest', () => {
    decode(options, ({ blocks, queryAgnostic }, token) => {
      const count = Math.floor(token / 8) + 1
      const ranked = (value: (block: number) => number, without: readonly number[]) =>
        [...Array(count).keys()].filter((block) => !without.includes(block)).sort((a, b) => value(b) - value(a))
      const always = [...new Set([0, Math.max(0, count - 2), count - 1])]
      const sum = (block: number) => {
        let total = 0
        for (let i = 8 * block; i < 8 * block + 8; i++) total += scores.data[i] + scores.data[tokens + i]
        return total
      }
      const agnostic = [...always, ...ranked(sum, always).slice(0, 7 - always.length)]
      expect([...queryAgnostic]).toEqual(agnostic.sort((a, b) => a - b))
      const product = (block: number) => {
        let total = 0
        for (let head = 0; head < heads; head++)
          for (let i = 8 * block; i < 8 * block + 8; i++) {
            const row = (x: Tensor, at: number) => x.data.subarray(at * headDim, (at + 1) * headDim)
            total += inner(row(q, head * tokens + token), row(k, Math.floor(head / 2) * tokens + i))
          }
        return total
      }
      const chosen = [...agnostic, ...ranked(product, agnostic).slice(0, 10 - agnostic.length)]
      expect([...blocks]).toEqual(chosen.sort((a, b) => a - b))
    }).dispose()
  })

  it('has a mask for prefill and training, of the blocks that decoding attends to', () => {
    const mask = nosaMask(q, k, scores, options)
    const { output } = attention(q, k, v, { mask, causal: true })
    decode(options, (step, token) => {
      const [from, to] = mask.rowOffsets.subarray(token)
      expect([...mask.columnIndices.subarray(from, to)], `token ${token}`).toEqual([...step.blocks])
      expectNear(step.output.data, part(output, token).data, 2e-6)
    }).dispose()
  })

  it('says what is wrong', () => {
    expect(() => nosaMask(q, k, draw([3], 1), options)).toThrow('nosaMask: scores: expected [2, 203], got [3]')
    expect(() => nosaMask(q, part(k, 0), scores, options)).toThrow(
      'nosaMask: k is [1, 2, 1, 8], expected [1, 2, 203, 8]',
    )
    expect(() => nosaCache({ ...options, pages: 10 })).toThrow('expected at least 11 pages')
    expect(() => nosaCache({ ...options, local: 0 })).toThrow('nosaCache: local: expected a whole number in 1')
    expect(() => nosaCache({ ...options, headDim: 6 })).toThrow('headDim to be a multiple of 4')
    expect(() => nosaCache(null as never)).toThrow(TypeError)
    const cache = nosaCache(options)
    const step = (score: Tensor) => cache.step(part(q, 0), part(k, 0), part(v, 0), score)
    expect(() => step(draw([1], 1))).toThrow('nosaCache: scores: expected [2, 1], got [1]')
    expect(() => step(tensor([Number.NaN, 1], [2, 1]))).toThrow('nosaCache: scores: expected finite numbers, got NaN')
    expect(cache.length).toBe(0)
    cache.dispose()
  })
})

describe('keyValueCache.restore', () => {
  it('gives an evicted block a page again, and says what is wrong', () => {
    const cache = keyValueCache({ keyHeads, headDim, pageSize: 4, pages: 2 })
    const first = (x: Tensor, count: number) => gatherTokens(x, [...Array(count).keys()])
    cache.append(first(k, 8), first(v, 8))
    const saved = cache.readBlock(0)
    const before = decodeAttention(part(q, 0), cache).output
    expect(() => cache.restore(0, saved.k, saved.v)).toThrow('block 0 was not evicted')
    cache.evict([0])
    expect(() => cache.restore(0, part(k, 0), saved.v)).toThrow(RangeError)
    expect(() => cache.restore(5, saved.k, saved.v)).toThrow('expected a block in 0..1, got 5')
    expect(cache.freePages).toBe(1)
    cache.restore(0, saved.k, saved.v)
    expect(decodeAttention(part(q, 0), cache).output).toEqual(before)
    cache.evict([0])
    cache.append(part(k, 8), part(v, 8))
    expect(() => cache.restore(0, saved.k, saved.v)).toThrow('restore needs a page, 0 of 2 are free')
    cache.dispose()
  })
})
