import { rangeError, type Tensor } from '@nnz/core'
import { expectCache, type KeyValueCache } from '../decode/cache.ts'
import { expectExtent } from '../mask/checks.ts'
import { expectHeads, expectShape } from '../operands.ts'
import { scatterTokens, sliceTokens, tokensFrom } from './tokens.ts'

/**
 * Replaces keys and values of tokens that are in a cache.
 *
 * @param first the first of them
 * @param k [keyHeads, tokens, headDim]; v the same
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit, or a token is not in the cache: nothing is written then
 */
export function overwriteTokens(cache: KeyValueCache, first: number, k: Tensor, v: Tensor): void {
  const name = 'overwriteTokens'
  const { keyHeads, headDim, pageSize, length } = expectCache(cache, name)
  expectExtent(first, 0, `${name}: first`)
  const keys = expectHeads(k, `${name}: k`)
  const count = keys.shape[2]
  expectShape(keys, [1, keyHeads, count, headDim], `${name}: k`)
  expectShape(expectHeads(v, `${name}: v`), [1, keyHeads, count, headDim], `${name}: v`)
  for (let token = first; token < first + count; token++)
    if (token >= length || cache.pageOf(Math.floor(token / pageSize)) < 0)
      throw rangeError('NNZ_VALUE', `${name}: expected tokens that are in the cache, got ${token}`)
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
