import { describe, rangeError, type Tensor, typeError } from '@nnz/core'
import { expectExtent } from '../mask/checks.ts'
import { expectFlag } from '../patterns/values.ts'
import type { AttentionShape } from '../problem.ts'
import { expectCall, type SelectionCall, type SelectionCost, type SelectionOptions } from './call.ts'
import { openPooling } from './pooling.ts'
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
export interface TokenOrderOptions extends SelectionOptions {
  /** That of the selection that follows; used where queries are ordered. Default: [64, 64]. */
  blockShape?: readonly number[] | undefined
  /** Default: 256. */
  segment?: number | undefined
  /** How many of the last queries are looked at. Default: 64. */
  lastQueries?: number | undefined
  /** Order the queries too: those of a segment that look for the same block of earlier keys become neighbours. Default: false. */
  queries?: boolean | undefined
}

/** Orders that this module made. */
const made = new WeakSet<object>()

/** Sorts the tokens of each segment by falling `rank`, equal ones by rising place. `offset` is the position of token 0. */
function sortSegments(rank: Float32Array, segment: number, offset: number): Int32Array {
  const order = Int32Array.from(rank, (_, token) => token)
  let from = 0
  while (from < order.length) {
    const end = Math.min(order.length, (Math.floor((from + offset) / segment) + 1) * segment - offset)
    order.subarray(from, end).sort((a, b) => rank[b] - rank[a] || a - b)
    from = end
  }
  return order
}

/** Means of the blocks of a head's keys, taken in an order. */
function pooledInOrder({ k, size }: SelectionCall, batch: number, head: number, order: Int32Array): Float32Array {
  const headDim = k.shape[3]
  const width = size.blockShape[1]
  const result = new Float32Array(Math.ceil(order.length / width) * headDim)
  const base = batch * k.strides[0] + head * k.strides[1]
  order.forEach((key, place) => {
    const block = Math.floor(place / width)
    const weight = 1 / Math.min(width, order.length - block * width)
    for (let i = 0; i < headDim; i++) result[block * headDim + i] += weight * k.data[base + key * k.strides[2] + i]
  })
  return result
}

/** For each query minus the block of keys, among those of earlier segments (or all), that its score is largest with. */
function nearestBlocks(
  call: SelectionCall,
  batch: number,
  head: number,
  pooledKeys: Float32Array,
  segment: number,
): Float32Array {
  const { q, shape, size, causal, scale, meter } = call
  const { tokens, keys, headDim } = shape
  const columns = pooledKeys.length / headDim
  const rank = new Float32Array(tokens)
  const pooling = openPooling(call.backend, { tokens: 0, headDim, rows: segment, columns, length: headDim })
  for (let from = 0; from < tokens; from += segment) {
    const count = Math.min(segment, tokens - from)
    const rows = new Float32Array(count * headDim)
    for (let i = 0; i < count; i++) {
      const at = batch * q.strides[0] + head * q.strides[1] + (from + i) * q.strides[2]
      rows.set(q.data.subarray(at, at + headDim), i * headDim)
    }
    const { data, stride } = pooling.scores(rows, pooledKeys, headDim, scale)
    for (let i = 0; i < count; i++) {
      const begin = Math.floor((from + i + keys - tokens) / segment) * segment
      const limit = causal ? Math.floor(Math.max(0, begin) / size.blockShape[1]) : columns
      let best = 0
      for (let c = 1; c < limit; c++) if (data[i * stride + c] > data[i * stride + best]) best = c
      rank[from + i] = -best
    }
    meter.flops += 2 * count * columns * headDim
  }
  return rank
}

/**
 * Orders tokens so that what is attended to lies in fewer blocks (PBS-Attn, arXiv 2510.21270): in each segment the keys that the
 * last queries attend to most come first. Attention does not mind: `gatherTokens` orders q, k and v, `selection.pooled` with
 * `order` makes a mask that is causal in the tokens' own places, and `scatterTokens` puts the output back.
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
  const sortQueries = expectFlag(options.queries ?? false, `${name}: queries`)
  const last = Array.from({ length: count }, (_, i) => tokens - count + i)
  const sampler = openSampler(call.backend, call)
  const keyOrders = Array.from({ length: batch * keyHeads }, (_, i) => {
    const [b, keyHead] = [Math.floor(i / keyHeads), i % keyHeads]
    const sums = new Float32Array(keys)
    for (let head = keyHead * call.group; head < (keyHead + 1) * call.group; head++)
      sampleAll(sampler, call, b, head, last, () => {
        addTo(sums, sampler.columns())
      })
    return sortSegments(sums, segment, 0)
  })
  const asTheyAre = Int32Array.from({ length: tokens }, (_, token) => token)
  const queryOrders = Array.from({ length: batch * heads }, (_, i) => {
    if (!sortQueries) return asTheyAre
    const [b, head] = [Math.floor(i / heads), i % heads]
    const keyHead = Math.floor(head / call.group)
    const pooledKeys = pooledInOrder(call, b, keyHead, keyOrders[b * keyHeads + keyHead])
    return sortSegments(nearestBlocks(call, b, head, pooledKeys, segment), segment, keys - tokens)
  })
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
