import { describe, rangeError, type Tensor, typeError } from '@nnz/core'
import { expectExtent } from '../mask/checks.ts'
import type { AttentionShape } from '../problem.ts'
import { expectCall, type SelectionCost, type SelectionOptions } from './call.ts'
import { addTo, openSampler, sampleAll } from './sampling.ts'

/**
 * An order of the tokens of each head in which no token leaves its segment, so that the attention of later segments to earlier ones
 * stays causal. Segments are those of the keys; query i stands at key i + (keys - queries).
 */
export interface TokenOrder {
  /** Keys of a segment. */
  readonly segment: number
  /** For each query head (of each batch entry) the query that stands at each place. */
  readonly queries: readonly Int32Array[]
  /** For each key head (of each batch entry) the key that stands at each place. */
  readonly keys: readonly Int32Array[]
}

/** Options of {@link tokenOrder}. */
export interface TokenOrderOptions extends Omit<SelectionOptions, 'blockShape'> {
  /** Default: 256. */
  segment?: number | undefined
  /** How many of the last queries are looked at. Default: 64. */
  lastQueries?: number | undefined
}

/** Orders that this module made. */
const made = new WeakSet<object>()

/** The tokens of each segment by falling `rank`, equal ones by rising place. */
function sortSegments(rank: Float32Array, segment: number): Int32Array {
  const order = Int32Array.from(rank, (_, token) => token)
  for (let from = 0; from < order.length; from += segment)
    order.subarray(from, from + segment).sort((a, b) => rank[b] - rank[a] || a - b)
  return order
}

/**
 * Orders tokens so that what is attended to lies in fewer blocks (PBS-Attn, arXiv 2510.21270): in each segment the keys that the
 * last queries attend to most come first. Queries stay where they are; orders made by hand may move them too. Attention does not
 * mind: `gatherTokens` orders q, k and v, `selection.pooled` with `order` makes a mask that is causal in the tokens' own places,
 * and `scatterTokens` puts the output back.
 *
 * @param q [heads, tokens, headDim] or [batch, heads, tokens, headDim]
 * @param k the same with keyHeads and keys; heads that share a key head share its order
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes or options do not fit
 */
export function tokenOrder(
  q: Tensor,
  k: Tensor,
  options: TokenOrderOptions = {},
): TokenOrder & { readonly cost: SelectionCost } {
  const name = 'tokenOrder'
  const call = expectCall(q, k, options, name)
  const { batch, heads, keyHeads, tokens, keys } = call.shape
  const segment = expectExtent(options.segment ?? 256, 1, `${name}: segment`)
  const count = Math.min(tokens, expectExtent(options.lastQueries ?? 64, 1, `${name}: lastQueries`))
  const last = Array.from({ length: count }, (_, i) => tokens - count + i)
  const sampler = openSampler(call.backend, call)
  const keyOrders = Array.from({ length: batch * keyHeads }, (_, i) => {
    const [b, keyHead] = [Math.floor(i / keyHeads), i % keyHeads]
    const sums = new Float32Array(keys)
    for (let head = keyHead * call.group; head < (keyHead + 1) * call.group; head++)
      sampleAll(sampler, call, b, head, last, () => {
        addTo(sums, sampler.columns())
      })
    return sortSegments(sums, segment)
  })
  const asTheyAre = Int32Array.from({ length: tokens }, (_, token) => token)
  const queryOrders = new Array<Int32Array>(batch * heads).fill(asTheyAre)
  const order = { segment, queries: queryOrders, keys: keyOrders, cost: call.meter.cost }
  made.add(order)
  return Object.freeze(order)
}

function expectLists(
  lists: readonly Int32Array[],
  count: number,
  tokens: number,
  segment: number,
  offset: number,
  name: string,
): void {
  if (!Array.isArray(lists)) throw typeError('NNZ_TYPE', `${name}: expected lists of tokens, got ${describe(lists)}`)
  if (lists.length !== count)
    throw rangeError('NNZ_SHAPE', `${name}: expected ${count} lists (one for each head), got ${lists.length}`)
  const segmentOf = (token: number) => Math.floor((token + offset) / segment)
  for (const list of lists) {
    if (!(list instanceof Int32Array))
      throw typeError('NNZ_TYPE', `${name}: expected an Int32Array for each head, got ${describe(list)}`)
    if (list.length !== tokens)
      throw rangeError('NNZ_SHAPE', `${name}: expected lists of ${tokens} tokens, got ${describe(list)}`)
    const seen = new Uint8Array(tokens)
    for (let place = 0; place < tokens; place++) {
      const token = list[place]
      if (seen[token] !== 0 || segmentOf(token) !== segmentOf(place))
        throw rangeError(
          'NNZ_VALUE',
          `${name}: expected each token once, inside its segment of ${segment}, got ${token} at ${place}`,
        )
      seen[token] = 1
    }
  }
}

/** Checks an order; one that {@link tokenOrder} made is only checked for its sizes. */
export function expectOrder(order: TokenOrder, shape: AttentionShape, name: string): TokenOrder {
  if (typeof order !== 'object' || order === null)
    throw typeError('NNZ_TYPE', `${name}: expected a tokenOrder, got ${describe(order)}`)
  const { batch, heads, keyHeads, tokens, keys } = shape
  expectExtent(order.segment, 1, `${name}.segment`)
  const sides = [
    { lists: order.queries, count: batch * heads, length: tokens, offset: keys - tokens, side: 'queries' },
    { lists: order.keys, count: batch * keyHeads, length: keys, offset: 0, side: 'keys' },
  ]
  for (const { lists, count, length, offset, side } of sides) {
    const fits = made.has(order) && lists.length === count && lists.every((list) => list.length === length)
    if (!fits) expectLists(lists, count, length, order.segment, offset, `${name}.${side}`)
  }
  return order
}
