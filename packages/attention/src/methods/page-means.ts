import { type BackendOption, gemm, type Tensor, tensor } from '@nnz/core'
import type { KeyValueCache } from '../decode/cache.ts'
import { expectHeads } from '../operands.ts'
import { rowMajor } from './tokens.ts'

/** The mean key of each block of a cache, with which queries are compared to choose blocks. */
export class PageMeans {
  readonly #keyHeads: number
  readonly #headDim: number
  /** For each key head [blocks, headDim], with room for more. */
  #means: Float32Array[]
  #blocks = 0

  constructor({ keyHeads, headDim }: Pick<KeyValueCache, 'keyHeads' | 'headDim'>) {
    this.#keyHeads = keyHeads
    this.#headDim = headDim
    this.#means = Array.from({ length: keyHeads }, () => new Float32Array(headDim))
  }

  /** Takes in the blocks from `first` on, which must be in the cache. */
  update(cache: KeyValueCache, first: number): void {
    const headDim = this.#headDim
    this.#blocks = cache.blocks
    if (this.#blocks * headDim > this.#means[0].length)
      this.#means = this.#means.map((old) => {
        const larger = new Float32Array(2 * this.#blocks * headDim)
        larger.set(old)
        return larger
      })
    for (let block = first; block < this.#blocks; block++) {
      const { data, shape } = cache.readBlock(block).k
      this.#means.forEach((means, head) => {
        means.fill(0, block * headDim, (block + 1) * headDim)
        for (let i = 0; i < shape[1] * headDim; i++)
          means[block * headDim + (i % headDim)] += data[head * shape[1] * headDim + i] / shape[1]
      })
    }
  }

  /**
   * The product of each block's mean key with the sum of the queries of a group, for each key head.
   *
   * @param q [heads, 1, headDim]
   */
  scores(q: Tensor, backend: BackendOption | undefined): Float32Array[] {
    const queries = rowMajor(expectHeads(q, 'q'))
    const headDim = this.#headDim
    const size = queries.length / this.#keyHeads
    return this.#means.map((means, head) => {
      const sum = new Float32Array(headDim)
      for (let i = 0; i < size; i++) sum[i % headDim] += queries[head * size + i]
      const rows = tensor(means.subarray(0, this.#blocks * headDim), [this.#blocks, headDim])
      return gemm(rows, tensor(sum, [headDim, 1]), { backend }).data
    })
  }
}
