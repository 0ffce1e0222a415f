import { attention, type DecodePlan, decodeAttention, type KeyValueCache, keyValueCache } from '@nnz/attention'
import { rangeError, type Tensor } from '@nnz/core'
import type { DecoderConfig } from './config.ts'
import type { Attend } from './forward.ts'

/** Tokens of a page of the cache. */
const PAGE = 64

/** Keys and values of one text in every layer. Made by {@link Decoder.session}. */
export class DecoderSession {
  /** The most tokens that it has room for. */
  readonly capacity: number
  readonly #layers: readonly { readonly cache: KeyValueCache; readonly one: DecodePlan }[]
  readonly #extend: (tokens: readonly number[], session: DecoderSession, attend: Attend) => Float32Array

  constructor(
    config: DecoderConfig,
    capacity: number,
    extend: (tokens: readonly number[], session: DecoderSession, attend: Attend) => Float32Array,
  ) {
    if (!(Number.isInteger(capacity) && capacity > 0 && capacity <= config.positions))
      throw rangeError('NNZ_VALUE', `session: expected room for 1..${config.positions} tokens, got ${capacity}`)
    const { heads, keyHeads, width, layers } = config
    this.capacity = capacity
    this.#extend = extend
    this.#layers = Array.from({ length: layers }, () => {
      const pages = Math.ceil(capacity / PAGE)
      const cache = keyValueCache({ keyHeads, headDim: width / heads, pageSize: PAGE, pages })
      return { cache, one: decodeAttention.plan({ cache, heads, tokens: 1 }) }
    })
  }

  /** Tokens so far. */
  get length(): number {
    return this.#layers[0].cache.length
  }

  /** Bytes of keys and values that there is room for. */
  get bytes(): number {
    return this.#layers.reduce((sum, { cache: { storage } }) => sum + 2 * storage.keys.data.byteLength, 0)
  }

  /**
   * Adds tokens to the text: many at once at its beginning, later usually one.
   *
   * @returns the logits of the token that follows
   * @throws RangeError where there is no room or a token is not in the vocabulary; nothing is added then
   */
  extend(tokens: readonly number[]): Float32Array {
    const room = this.capacity - this.length
    if (tokens.length === 0 || tokens.length > room)
      throw rangeError('NNZ_SHAPE', `session: got ${tokens.length} tokens, there is room for 1..${room}`)
    return this.#extend(tokens, this, (layer, { q, k, v }, out) => this.#attend(layer, q, k, v, out))
  }

  #attend(layer: number, q: Tensor, k: Tensor, v: Tensor, out: Tensor): void {
    const { cache, one } = this.#layers[layer]
    const first = cache.length === 0
    cache.append(k, v)
    if (q.shape[1] === 1) one.run(q, { out })
    else if (first) attention(q, k, v, { causal: true, out })
    else decodeAttention(q, cache, { out })
  }

  /** Releases the cache. */
  dispose(): void {
    for (const { cache, one } of this.#layers) {
      one.dispose()
      cache.dispose()
    }
  }
}
