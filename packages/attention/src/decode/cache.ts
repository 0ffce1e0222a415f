import {
  type BackendOption,
  type BackendTensor,
  describe,
  isWasm,
  rangeError,
  registerDispose,
  resolveBackend,
  type Tensor,
  tensor,
  typeError,
  zeros,
} from '@nnz/core'
import { expectExtent, isArrayLike } from '../mask/checks.ts'
import { expectHeads, expectShape } from '../operands.ts'
import { LARGEST_HEAD_DIM } from '../problem.ts'

/** Size of a cache. */
export interface CacheOptions {
  keyHeads: number
  /** A multiple of 4 up to 256. */
  headDim: number
  /** Tokens of a page. Default: 64. */
  pageSize?: number | undefined
  /** Pages: room for that many times `pageSize` tokens at once. */
  pages: number
  /** In whose memory the pages lie. Default: the best CPU backend. */
  backend?: BackendOption | undefined
}

const MAKE = Symbol('make')

/**
 * Keys and values of one sequence in pages (PagedAttention, arXiv 2309.06180). Token t stands in block floor(t / pageSize);
 * a block has a page until it is evicted, and its page is used again.
 */
export class KeyValueCache implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly keyHeads: number
  readonly headDim: number
  readonly pageSize: number
  readonly pages: number
  readonly #keys: Tensor
  readonly #values: Tensor
  readonly #owned: readonly BackendTensor[]
  /** Page of each block, -1 for evicted ones. */
  readonly #pageOf: number[] = []
  readonly #free: number[]
  #length = 0
  #disposed = false

  /** Use `keyValueCache`. */
  constructor(make: typeof MAKE, options: Required<Omit<CacheOptions, 'backend'>> & Pick<CacheOptions, 'backend'>) {
    if (make !== MAKE) throw typeError('NNZ_TYPE', 'KeyValueCache: use keyValueCache(…)')
    const { keyHeads, headDim, pageSize, pages } = options
    this.keyHeads = keyHeads
    this.headDim = headDim
    this.pageSize = pageSize
    this.pages = pages
    const backend = resolveBackend(options.backend)
    // A head's pages are neighbours: memory is fastest where it is read on and on.
    const shape = [keyHeads, pages, pageSize, headDim]
    this.#owned = isWasm(backend) ? [zeros(shape, { backend }), zeros(shape, { backend })] : []
    this.#keys = this.#owned[0] ?? zeros(shape)
    this.#values = this.#owned[1] ?? zeros(shape)
    this.#free = Array.from({ length: pages }, (_, i) => pages - 1 - i)
  }

  /** Tokens appended so far, evicted ones included. */
  get length(): number {
    return this.#length
  }

  /** Blocks so far, evicted ones included. */
  get blocks(): number {
    return this.#pageOf.length
  }

  /** Pages that are not in use. */
  get freePages(): number {
    return this.#free.length
  }

  /** The pages themselves, [keyHeads, pages, pageSize, headDim]. */
  get storage(): { readonly keys: Tensor; readonly values: Tensor } {
    this.#expectAlive()
    return { keys: this.#keys, values: this.#values }
  }

  /** The page of a block, or -1 if it was evicted. */
  pageOf(block: number): number {
    return this.#pageOf[this.#expectBlock(block, 'pageOf')]
  }

  /** Tokens of a block: `pageSize`, but for the last one. */
  tokensOf(block: number): number {
    return Math.min(this.pageSize, this.#length - block * this.pageSize)
  }

  /**
   * Adds tokens at the end.
   *
   * @param k keys [keyHeads, tokens, headDim]
   * @param v values in the same shape
   * @throws TypeError if k or v is not a tensor
   * @throws RangeError if shapes do not fit or there are not enough free pages: nothing is added then
   */
  append(k: Tensor, v: Tensor): void {
    this.#expectAlive()
    const [keys, values] = this.#expectPair(k, v, undefined, 'append')
    const tokens = keys.shape[2]
    const needed = Math.ceil((this.#length + tokens) / this.pageSize) - this.#pageOf.length
    if (needed > this.#free.length)
      throw rangeError(
        'NNZ_MEMORY',
        `keyValueCache: append needs ${needed} pages, ${this.#free.length} of ${this.pages} are free: evict blocks first`,
      )
    if (tokens > 0 && this.#length % this.pageSize !== 0 && this.#pageOf.at(-1) === -1)
      throw rangeError('NNZ_VALUE', 'keyValueCache: append: the last block was evicted before it was full')
    for (let i = 0; i < needed; i++) this.#pageOf.push(this.#free.pop()!)
    for (let token = 0; token < tokens; token++) {
      const position = this.#length + token
      const page = this.#pageOf[Math.floor(position / this.pageSize)]
      this.#copyIn(keys, this.#keys.data, token, page, position % this.pageSize)
      this.#copyIn(values, this.#values.data, token, page, position % this.pageSize)
    }
    this.#length += tokens
  }

  /** Replaces keys and values of a whole block, for methods that compute them anew. Shapes as for `append`. */
  writeBlock(block: number, k: Tensor, v: Tensor): void {
    this.#expectAlive()
    const page = this.#expectKept(block, 'writeBlock')
    const [keys, values] = this.#expectPair(k, v, this.tokensOf(block), 'writeBlock')
    for (let token = 0; token < this.tokensOf(block); token++) {
      this.#copyIn(keys, this.#keys.data, token, page, token)
      this.#copyIn(values, this.#values.data, token, page, token)
    }
  }

  /** A copy of a block: keys and values [keyHeads, tokens, headDim]. */
  readBlock(block: number): { k: Tensor; v: Tensor } {
    this.#expectAlive()
    const page = this.#expectKept(block, 'readBlock')
    const copy = (data: Float32Array) => {
      const shape = [this.keyHeads, this.tokensOf(block), this.headDim]
      const size = this.pageSize * this.headDim
      const result = new Float32Array(shape[0] * shape[1] * shape[2])
      for (let head = 0; head < this.keyHeads; head++) {
        const from = (head * this.pages + page) * size
        result.set(data.subarray(from, from + shape[1] * shape[2]), head * shape[1] * shape[2])
      }
      return tensor(result, shape)
    }
    return { k: copy(this.#keys.data), v: copy(this.#values.data) }
  }

  /**
   * Drops blocks: they are attended no more and their pages are free. Those dropped before are left alone.
   *
   * @throws TypeError if `blocks` is no list of numbers
   * @throws RangeError if a block is unknown
   */
  evict(blocks: ArrayLike<number>): void {
    this.#expectAlive()
    if (!isArrayLike(blocks))
      throw typeError('NNZ_TYPE', `keyValueCache: evict: expected a list of block numbers, got ${describe(blocks)}`)
    for (let i = 0; i < blocks.length; i++) this.#expectBlock(blocks[i], 'evict')
    for (let i = 0; i < blocks.length; i++) {
      const page = this.#pageOf[blocks[i]]
      if (page >= 0) this.#free.push(page)
      this.#pageOf[blocks[i]] = -1
    }
  }

  /**
   * Gives an evicted block a page again, with the keys and values that it had: `readBlock` before `evict` keeps them elsewhere.
   *
   * @throws RangeError if the block has a page, no page is free, or shapes do not fit
   */
  restore(block: number, k: Tensor, v: Tensor): void {
    this.#expectAlive()
    if (this.#pageOf[this.#expectBlock(block, 'restore')] >= 0)
      throw rangeError('NNZ_VALUE', `keyValueCache: restore: block ${block} was not evicted`)
    this.#expectPair(k, v, this.tokensOf(block), 'restore')
    const page = this.#free.pop()
    if (page === undefined)
      throw rangeError(
        'NNZ_MEMORY',
        `keyValueCache: restore needs a page, 0 of ${this.pages} are free: evict blocks first`,
      )
    this.#pageOf[block] = page
    this.writeBlock(block, k, v)
  }

  /** Releases the memory. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    for (const pages of this.#owned) pages.dispose()
  }

  #copyIn(
    { data, strides }: ReturnType<typeof expectHeads>,
    pages: Float32Array,
    token: number,
    page: number,
    slot: number,
  ): void {
    for (let head = 0; head < this.keyHeads; head++) {
      const from = head * strides[1] + token * strides[2]
      const to = ((head * this.pages + page) * this.pageSize + slot) * this.headDim
      for (let i = 0; i < this.headDim; i++) pages[to + i] = data[from + i]
    }
  }

  /** k and v of so many tokens; undefined: as many as k has. */
  #expectPair(k: Tensor, v: Tensor, tokens: number | undefined, name: string) {
    const pair = [expectHeads(k, `keyValueCache: ${name}: k`), expectHeads(v, `keyValueCache: ${name}: v`)]
    const shape = [1, this.keyHeads, tokens ?? pair[0].shape[2], this.headDim]
    expectShape(pair[0], shape, `keyValueCache: ${name}: k`)
    expectShape(pair[1], shape, `keyValueCache: ${name}: v`)
    return pair
  }

  #expectBlock(block: unknown, name: string): number {
    if (typeof block !== 'number')
      throw typeError('NNZ_TYPE', `keyValueCache: ${name}: expected a block number, got ${describe(block)}`)
    if (!Number.isInteger(block) || block < 0 || block >= this.#pageOf.length)
      throw rangeError(
        'NNZ_VALUE',
        `keyValueCache: ${name}: expected a block in 0..${this.#pageOf.length - 1}, got ${block}`,
      )
    return block
  }

  #expectKept(block: number, name: string): number {
    const page = this.#pageOf[this.#expectBlock(block, name)]
    if (page < 0) throw rangeError('NNZ_VALUE', `keyValueCache: ${name}: block ${block} was evicted`)
    return page
  }

  #expectAlive(): void {
    if (this.#disposed) throw typeError('NNZ_DISPOSED', 'keyValueCache: used after dispose()')
  }
}

registerDispose(KeyValueCache.prototype)

/** Checks that a value is a cache. */
export function expectCache(value: unknown, name: string): KeyValueCache {
  if (!(value instanceof KeyValueCache))
    throw typeError('NNZ_TYPE', `${name}: expected cache to be a keyValueCache, got ${describe(value)}`)
  return value
}

/**
 * A paged cache for the keys and values of one sequence, empty.
 *
 * @throws TypeError if an option is of the wrong kind
 * @throws RangeError if a size is out of range or memory is exhausted
 */
export function keyValueCache(options: CacheOptions): KeyValueCache {
  if (typeof options !== 'object' || options === null)
    throw typeError('NNZ_TYPE', `keyValueCache: expected options to be an object, got ${describe(options)}`)
  const { keyHeads, headDim, pageSize = 64, pages, backend } = options
  expectExtent(keyHeads, 1, 'keyValueCache: keyHeads')
  expectExtent(pageSize, 1, 'keyValueCache: pageSize')
  expectExtent(pages, 1, 'keyValueCache: pages')
  expectExtent(headDim, 4, 'keyValueCache: headDim')
  if (headDim % 4 !== 0 || headDim > LARGEST_HEAD_DIM)
    throw rangeError(
      'NNZ_VALUE',
      `keyValueCache: expected headDim to be a multiple of 4 in 4..${LARGEST_HEAD_DIM}, got ${headDim}`,
    )
  return new KeyValueCache(MAKE, { keyHeads, headDim, pageSize, pages, backend })
}
