import { rangeError, registerDispose, type Tensor } from '@nnz/core'
import { type KeyValueCache, keyValueCache } from '../decode/cache.ts'
import { decodeAttention } from '../decode/decode.ts'
import { expectExtent } from '../mask/checks.ts'
import { expectNumbers, expectStep, type MethodOptions } from './checks.ts'
import { expectNosaBudget, type NosaBudget, SplitChooser } from './nosa-selection.ts'
import { PageMeans } from './page-means.ts'

/** Size and budget of an offloaded cache. */
export interface NosaOptions extends NosaBudget, MethodOptions {
  keyHeads: number
  headDim: number
  /** Blocks that may be resident at once. Default: those that a step attends to and one more, the least. */
  pages?: number | undefined
}

/** What a step of {@link NosaCache} did. */
export interface NosaStep {
  /** In the shape of q. */
  readonly output: Tensor
  /** Blocks that were attended, rising. */
  readonly blocks: readonly number[]
  /** Those of them that do not depend on the query. */
  readonly queryAgnostic: readonly number[]
  /** Bytes that were copied from the host into pages. */
  readonly fetchedBytes: number
}

type Checked = Required<NosaBudget> & NosaOptions & { readonly pages: number }

/** Use `nosaCache`. */
export class NosaCache implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #options: Checked
  readonly #resident: KeyValueCache
  readonly #means: PageMeans
  /** Every full block. */
  readonly #host: { k: Tensor; v: Tensor }[] = []
  /** Sum of the scores of each block's tokens. */
  readonly #scores: number[] = []
  /** Step at which a block was attended last. */
  readonly #used: number[] = []

  constructor(options: Checked) {
    this.#options = options
    this.#resident = keyValueCache(options)
    this.#means = new PageMeans(options)
  }

  /** Tokens so far. */
  get length(): number {
    return this.#resident.length
  }

  /** Bytes of keys and values in pages, whatever the length. */
  get residentBytes(): number {
    return this.#options.pages * this.#blockBytes
  }

  /** Bytes of keys and values on the host. */
  get hostBytes(): number {
    return this.#host.length * this.#blockBytes
  }

  /**
   * One token: its key, value and score are taken in, and its query attends to the chosen blocks.
   *
   * @param q [heads, 1, headDim]; k and v [keyHeads, 1, headDim]
   * @param scores how much the token matters to any query, [keyHeads, 1]
   * @throws RangeError if shapes do not fit or a score is not finite
   */
  step(q: Tensor, k: Tensor, v: Tensor, scores: Tensor): NosaStep {
    const { keyHeads, scale, backend } = this.#options
    expectStep(q, k, v, this.#options, 'nosaCache')
    const score = expectNumbers(scores, [keyHeads, 1], 'nosaCache: scores').reduce((a, b) => a + b, 0)
    this.#append(k, v, score)
    const { blocks, queryAgnostic } = this.#choose(q)
    const fetchedBytes = this.#fetch(blocks)
    const { output } = decodeAttention(q, this.#resident, { blocks, scale, backend })
    return { output, blocks, queryAgnostic, fetchedBytes }
  }

  /** Releases the pages. */
  dispose(): void {
    this.#resident.dispose()
  }

  get #blockBytes(): number {
    const { keyHeads, headDim, pageSize } = this.#options
    return 8 * keyHeads * headDim * pageSize
  }

  #append(k: Tensor, v: Tensor, score: number): void {
    const cache = this.#resident
    const starts = cache.length % cache.pageSize === 0
    if (starts) this.#makeRoom([])
    cache.append(k, v)
    const block = cache.blocks - 1
    this.#scores[block] = (starts ? 0 : this.#scores[block]) + score
    this.#means.update(cache, block)
    this.#used[block] = cache.length
    if (cache.length % cache.pageSize === 0) this.#host[block] = cache.readBlock(block)
  }

  /** The blocks of a step. */
  #choose(q: Tensor): { blocks: number[]; queryAgnostic: number[] } {
    const { blocks } = this.#resident
    const [scores, ...others] = this.#means.scores(q, this.#options.backend)
    for (const other of others) for (let i = 0; i < blocks; i++) scores[i] += other[i]
    return new SplitChooser(this.#options, blocks).choose(Float32Array.from(this.#scores), scores, blocks)
  }

  /** Copies what is missing from the host; returns the bytes. */
  #fetch(blocks: readonly number[]): number {
    let bytes = 0
    for (const block of blocks) {
      this.#used[block] = this.length
      if (this.#resident.pageOf(block) >= 0) continue
      this.#makeRoom(blocks)
      this.#resident.restore(block, this.#host[block].k, this.#host[block].v)
      bytes += this.#blockBytes
    }
    return bytes
  }

  /** Frees a page if none is: that of the full block which was attended longest ago. */
  #makeRoom(needed: readonly number[]): void {
    if (this.#resident.freePages > 0) return
    const candidates = [...this.#host.keys()].filter(
      (block) => this.#resident.pageOf(block) >= 0 && !needed.includes(block),
    )
    const oldest = candidates.reduce((a, b) => (this.#used[b] < this.#used[a] ? b : a))
    this.#resident.evict([oldest])
  }
}

registerDispose(NosaCache.prototype)

/**
 * Decoding with a cache of which only some blocks are resident (NOSA, arXiv 2510.13602). The blocks of a step are chosen in two
 * parts: by scores of their tokens, a part that hardly changes from step to step, and by the query. All full blocks are kept
 * on the host; a step fetches only those that are not resident, at most `queryAware` of them.
 *
 * @throws TypeError if an option is of the wrong kind
 * @throws RangeError if a size is out of range, or there are too few pages
 */
export function nosaCache(options: NosaOptions): NosaCache {
  const name = 'nosaCache'
  const budget = expectNosaBudget(options, name)
  // The one more is for the block that begins, so that none of the last step has to go.
  const least = budget.initial + budget.local + budget.queryAgnostic + budget.queryAware + 1
  const { pages = least } = options
  expectExtent(pages, 1, `${name}: pages`)
  if (pages < least)
    throw rangeError(
      'NNZ_VALUE',
      `${name}: expected at least ${least} pages (the blocks of a step and one more), got ${pages}`,
    )
  return new NosaCache({ ...options, ...budget, pages })
}
