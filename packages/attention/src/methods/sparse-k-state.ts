import { registerDispose, type Tensor, tensor, zeros } from '@nnz/core'
import { type AttentionResult, attention } from '../attention.ts'
import { type KeyValueCache, keyValueCache } from '../decode/cache.ts'
import { decodeAttention } from '../decode/decode.ts'
import { expectExtent } from '../mask/checks.ts'
import { expectOptions } from '../options.ts'
import { expectNumbers, expectStep, type MethodOptions } from './checks.ts'
import { mergeAttention } from './merge.ts'
import { gatherShares } from './sparse-k-attention.ts'
import { SparseKSelection } from './sparse-k-selection.ts'

/** Size of a state. */
export interface SparseKStateOptions extends MethodOptions {
  keyHeads: number
  headDim: number
  /** Keys that are selected. */
  count: number
  /** Tokens of a chunk. Default: 64. */
  chunk?: number | undefined
}

/** Decoding with {@link sparseKAttention}: at most `count` selected tokens and one chunk are held, for any length. */
export class SparseKState implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #options: SparseKStateOptions & { chunk: number }
  readonly #selections: readonly SparseKSelection[]
  /** The chunk that is being filled, one block. */
  readonly #cache: KeyValueCache
  #chunkScores: number[][]
  /** What is selected, as it came, and the token of each row. */
  #rows: { k: Tensor; v: Tensor; tokens: readonly (readonly number[])[] }
  /** The same times the shares. */
  #shared: { k: Tensor; v: Tensor }
  #length = 0

  /** Use `sparseKState`. */
  constructor(options: SparseKStateOptions & { chunk: number }) {
    const { keyHeads, headDim, count, chunk, backend } = options
    this.#options = options
    this.#selections = Array.from({ length: keyHeads }, () => new SparseKSelection(count))
    this.#cache = keyValueCache({ keyHeads, headDim, pageSize: chunk, pages: 1, backend })
    this.#chunkScores = Array.from({ length: keyHeads }, () => [])
    const none = zeros([keyHeads, 0, headDim])
    this.#rows = { k: none, v: none, tokens: this.#selections.map(() => []) }
    this.#shared = { k: none, v: none }
  }

  /** Tokens seen so far. */
  get length(): number {
    return this.#length
  }

  /** Key-value pairs held for each key head: never more than count + chunk. */
  get pairs(): number {
    return this.#rows.k.shape[1] + (this.#length % this.#options.chunk || (this.#length && this.#options.chunk))
  }

  /** Bytes of keys and values that are held. */
  get bytes(): number {
    const { storage } = this.#cache
    const selected = [this.#rows.k, this.#rows.v, this.#shared.k, this.#shared.v]
    return [...selected, storage.keys, storage.values].reduce((sum, { data }) => sum + data.byteLength, 0)
  }

  /**
   * One token: its key, value and score are taken in, and its query attends.
   *
   * @param q [heads, 1, headDim]; k and v [keyHeads, 1, headDim]
   * @param scores [keyHeads, 1]
   * @throws RangeError if shapes do not fit or a score is not finite
   */
  step(q: Tensor, k: Tensor, v: Tensor, scores: Tensor): AttentionResult {
    const { keyHeads, chunk, scale, backend } = this.#options
    expectStep(q, k, v, this.#options, 'sparseKState')
    const numbers = expectNumbers(scores, [keyHeads, 1], 'sparseKState: scores')
    if (this.#length > 0 && this.#length % chunk === 0) this.#select()
    this.#cache.append(k, v)
    this.#chunkScores.forEach((list, head) => {
      list.push(numbers[head])
    })
    this.#length++
    const local = decodeAttention(q, this.#cache, { blocks: [this.#cache.blocks - 1], scale, backend })
    const selected = attention(q, this.#shared.k, this.#shared.v, { scale, backend })
    return mergeAttention([selected, local])
  }

  /** Releases the memory. */
  dispose(): void {
    this.#cache.dispose()
  }

  /** The full chunk joins what is selected, of which the best stay. */
  #select(): void {
    const { chunk } = this.#options
    const block = this.#cache.blocks - 1
    const added = this.#cache.readBlock(block)
    this.#cache.evict([block])
    const first = this.#length - chunk
    this.#selections.forEach((selection, head) => {
      selection.add(first, this.#chunkScores[head])
    })
    const tokens = this.#selections.map(({ kept, tokens }) => kept.map((position) => tokens[position]))
    const choose = (old: Tensor, fresh: Tensor) => {
      const [heads, , headDim] = fresh.shape
      const result = new Float32Array(heads * tokens[0].length * headDim)
      tokens.forEach((list, head) => {
        list.forEach((token, row) => {
          const [source, at] = token >= first ? [fresh, token - first] : [old, this.#rows.tokens[head].indexOf(token)]
          const from = (head * source.shape[1] + at) * headDim
          result.set(source.data.subarray(from, from + headDim), (head * list.length + row) * headDim)
        })
      })
      return tensor(result, [heads, tokens[0].length, headDim])
    }
    this.#rows = { k: choose(this.#rows.k, added.k), v: choose(this.#rows.v, added.v), tokens }
    const all = tokens.map((list) => list.map((_, row) => row))
    this.#shared = {
      k: gatherShares(this.#rows.k, this.#selections, all),
      v: gatherShares(this.#rows.v, this.#selections, all),
    }
    this.#chunkScores = this.#chunkScores.map(() => [])
  }
}

registerDispose(SparseKState.prototype)

/**
 * An empty state for decoding with {@link sparseKAttention}, which gives the same as long as `count`, `chunk` and `scale` are
 * the same.
 *
 * @throws TypeError if an option is of the wrong kind
 * @throws RangeError if a size is out of range
 */
export function sparseKState(options: SparseKStateOptions): SparseKState {
  expectOptions(options, 'sparseKState')
  const { chunk = 64 } = options
  expectExtent(options.count, 1, 'sparseKState: count')
  expectExtent(chunk, 1, 'sparseKState: chunk')
  return new SparseKState({ ...options, chunk })
}
