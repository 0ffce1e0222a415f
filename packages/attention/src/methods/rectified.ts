import { describe, rangeError, type Tensor, typeError } from '@nnz/core'
import { KeyValueCache } from '../decode/cache.ts'
import { decodeAttention } from '../decode/decode.ts'
import { expectExtent } from '../mask/checks.ts'
import { expectOptions } from '../options.ts'
import { Chooser } from '../selection/budget.ts'
import type { MethodOptions } from './checks.ts'
import { overwriteTokens } from './overwrite.ts'
import { PageMeans } from './page-means.ts'
import { sliceTokens } from './tokens.ts'

/** The attention of a layer: takes the keys and values of the tokens in, and attends to all that it has. */
export type Attend = (layer: number, q: Tensor, k: Tensor, v: Tensor) => Tensor

/** Options of {@link rectifiedDecoder}. */
export interface RectifiedOptions<Input, Output> extends MethodOptions {
  /** An empty cache for each layer. */
  caches: readonly KeyValueCache[]
  /**
   * The model: from the inputs of some tokens that follow on each other to their outputs. It calls `attend` once for each
   * layer, in turn, with q [heads, tokens, headDim] and k and v [keyHeads, tokens, headDim]. Where a token stands follows
   * from `position`, that of the first.
   */
  forward: (inputs: readonly Input[], attend: Attend, position: number) => readonly Output[]
  /** Every interval-th token is computed densely, together with those since the last time. Default: 32. */
  interval?: number | undefined
  /** Blocks that a token attends to in between, the following included. */
  count: number
  /** Blocks at the beginning that are always attended. Default: 1. */
  initial?: number | undefined
  /** Blocks at the end that are always attended. Default: 1. */
  local?: number | undefined
}

/** Use `rectifiedDecoder`. */
export class RectifiedDecoder<Input, Output> {
  readonly #options: RectifiedOptions<Input, Output> & { interval: number; initial: number; local: number }
  readonly #means: readonly PageMeans[]
  /** Inputs whose keys and values come from sparse attention. */
  #pending: Input[] = []
  #length = 0

  constructor(options: RectifiedOptions<Input, Output> & { interval: number; initial: number; local: number }) {
    this.#options = options
    this.#means = options.caches.map((cache) => new PageMeans(cache))
  }

  /** Tokens so far. */
  get length(): number {
    return this.#length
  }

  /** Tokens since the caches were those of dense decoding. */
  get pending(): number {
    return this.#pending.length
  }

  /** Takes in some tokens at once, densely. */
  prefill(inputs: readonly Input[]): readonly Output[] {
    if (!Array.isArray(inputs))
      throw typeError('NNZ_TYPE', `rectifiedDecoder: expected inputs to be an array, got ${describe(inputs)}`)
    return inputs.length === 0 ? [] : this.#dense(inputs)
  }

  /** One token: sparsely, or densely if the interval is over. */
  step(input: Input): Output {
    if (this.#pending.length + 1 >= this.#options.interval) return this.#dense([input]).at(-1)!
    const [output] = this.#options.forward(
      [input],
      (layer, q, k, v) => this.#attendSparsely(layer, q, k, v),
      this.#length,
    )
    this.#pending.push(input)
    this.#length++
    return output
  }

  /** Computes what is pending anew, and what is new. */
  #dense(inputs: readonly Input[]): readonly Output[] {
    const first = this.#length - this.#pending.length
    const all = [...this.#pending, ...inputs]
    const outputs = this.#options.forward(
      all,
      (layer, q, k, v) => {
        const cache = this.#options.caches[layer]
        const old = cache.length - first
        overwriteTokens(cache, first, sliceTokens(k, 0, old), sliceTokens(v, 0, old))
        cache.append(sliceTokens(k, old, all.length - old), sliceTokens(v, old, all.length - old))
        this.#means[layer].update(cache, Math.floor(first / cache.pageSize))
        const { scale, backend } = this.#options
        return decodeAttention(q, cache, { scale, backend }).output
      },
      first,
    )
    this.#length += inputs.length
    this.#pending = []
    return outputs.slice(-inputs.length)
  }

  #attendSparsely(layer: number, q: Tensor, k: Tensor, v: Tensor): Tensor {
    const { caches, count, initial, local, scale, backend } = this.#options
    const cache = caches[layer]
    const means = this.#means[layer]
    cache.append(k, v)
    means.update(cache, cache.blocks - 1)
    const required = [
      [0, initial],
      [cache.blocks - local, cache.blocks],
    ] as const
    const chooser = new Chooser({ topK: count }, cache.blocks)
    const blocks = means.scores(q, backend).map((scores) => {
      chooser.choose(scores, 0, cache.blocks, required)
      return chooser.chosen.slice(0, chooser.count)
    })
    return decodeAttention(q, cache, { blocks, scale, backend }).output
  }
}

/**
 * Rectified sparse attention (arXiv 2506.04108): decoding with attention to a few blocks, chosen for each layer and key head by
 * the mean key, of which errors do not pile up: every `interval` tokens those since the last time are computed again with
 * dense attention, and take the places of their keys and values in the caches.
 *
 * @throws TypeError if an option is of the wrong kind
 * @throws RangeError if a size is out of range or a cache is not empty
 */
export function rectifiedDecoder<Input, Output>(
  options: RectifiedOptions<Input, Output>,
): RectifiedDecoder<Input, Output> {
  const name = 'rectifiedDecoder'
  expectOptions(options, name)
  const { caches, forward, interval = 32, count, initial = 1, local = 1 } = options
  if (!Array.isArray(caches) || !caches.every((cache) => cache instanceof KeyValueCache))
    throw typeError('NNZ_TYPE', `${name}: expected caches to be an array of keyValueCaches, got ${describe(caches)}`)
  if (caches.some((cache) => cache.length > 0)) throw rangeError('NNZ_VALUE', `${name}: expected caches that are empty`)
  if (typeof forward !== 'function')
    throw typeError('NNZ_TYPE', `${name}: expected forward to be a function, got ${describe(forward)}`)
  expectExtent(interval, 1, `${name}: interval`)
  expectExtent(count, 1, `${name}: count`)
  expectExtent(initial, 0, `${name}: initial`)
  expectExtent(local, 1, `${name}: local`)
  return new RectifiedDecoder({ ...options, interval, initial, local })
}
