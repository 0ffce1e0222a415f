import type { Tensor } from '@nnz/core'
import type { KeyValueCache } from '../decode/cache.ts'
import { scatterTokens, sliceTokens, tokensFrom } from './tokens.ts'

/**
 * Replaces keys and values of tokens that are in a cache.
 *
 * @param first the first of them
 * @param k [keyHeads, tokens, headDim]; v the same
 * @throws RangeError if a token is not in the cache
 */
export function overwriteTokens(cache: KeyValueCache, first: number, k: Tensor, v: Tensor): void {
  const count = k.shape[1]
  const { pageSize } = cache
  for (let token = first; token < first + count; ) {
    const block = Math.floor(token / pageSize)
    const from = token - block * pageSize
    const rows = Math.min(first + count - token, pageSize - from)
    const old = cache.readBlock(block)
    const replace = (x: Tensor, fresh: Tensor) => {
      const [heads, tokens, headDim] = x.shape
      for (let head = 0; head < heads; head++)
        x.data.fill(0, (head * tokens + from) * headDim, (head * tokens + from + rows) * headDim)
      return scatterTokens(sliceTokens(fresh, token - first, rows), tokensFrom(from, rows), tokens, x)
    }
    cache.writeBlock(block, replace(old.k, k), replace(old.v, v))
    token += rows
  }
}
