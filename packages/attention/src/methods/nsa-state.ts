import { rangeError, registerDispose, type Tensor, zeros } from '@nnz/core'
import { attention } from '../attention.ts'
import { type KeyValueCache, keyValueCache } from '../decode/cache.ts'
import { decodeAttention } from '../decode/decode.ts'
import { expectExtent } from '../mask/checks.ts'
import { expectStep } from './checks.ts'
import { compressTokens, runsIn } from './compress.ts'
import { expectGates, gatedSum } from './gates.ts'
import { type CheckedNsa, expectNsa, NSA_BRANCHES, type NsaOptions } from './nsa-options.ts'
import { chooseBlocks } from './nsa-selection.ts'
import { gatherTokens, sliceTokens } from './tokens.ts'

/** Size of a state. */
export interface NsaStateOptions extends NsaOptions {
  keyHeads: number
  headDim: number
  /** Room for that many tokens. */
  tokens: number
}

interface Pair {
  readonly k: Tensor
  readonly v: Tensor
}

/** Decoding with {@link nsa}: all branches read the same keys and values. */
export class NsaState implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #options: NsaStateOptions
  readonly #checked: CheckedNsa
  /** All tokens; a page is a block of the selection. */
  readonly #cache: KeyValueCache
  readonly #compressed: Pair
  /** The last tokens, in the order of token % size. */
  readonly #recent: Pair

  /** Use `nsaState`. */
  constructor(options: NsaStateOptions, checked: CheckedNsa) {
    const { keyHeads, headDim, tokens, backend } = options
    this.#options = options
    this.#checked = checked
    const pageSize = checked.blockShape[1]
    this.#cache = keyValueCache({ keyHeads, headDim, pageSize, pages: Math.ceil(tokens / pageSize), backend })
    const pair = (rows: number) => ({ k: zeros([keyHeads, rows, headDim]), v: zeros([keyHeads, rows, headDim]) })
    this.#compressed = pair(runsIn(tokens, checked))
    this.#recent = pair(Math.max(checked.window, checked.length))
  }

  /** Tokens so far. */
  get length(): number {
    return this.#cache.length
  }

  /**
   * One token: its key and value are taken in, and its query attends.
   *
   * @param q [heads, 1, headDim]; k and v [keyHeads, 1, headDim]
   * @param gates [heads, 1, 3]: of the compressed, the selected and the window branch
   * @returns the output, and the blocks that each key head selected
   * @throws RangeError if shapes do not fit or there is no room left
   */
  step(q: Tensor, k: Tensor, v: Tensor, gates: Tensor): { output: Tensor; blocks: readonly ArrayLike<number>[] } {
    const name = 'nsaState'
    const { execution } = this.#checked
    expectStep(q, k, v, this.#options, name)
    expectGates(gates, q, NSA_BRANCHES.length, name)
    if (this.length === this.#options.tokens)
      throw rangeError('NNZ_MEMORY', `${name}: there is room for ${this.length} tokens, which are used`)
    this.#cache.append(k, v)
    this.#remember(k, v)
    const position = this.length - 1
    const runs = runsIn(this.length, this.#checked)
    const keys = sliceTokens(this.#compressed.k, 0, runs)
    const compressed = attention(q, keys, sliceTokens(this.#compressed.v, 0, runs), execution)
    const blocks = chooseBlocks(q, keys, compressed.logSumExp, { keys: this.length, shift: position }, this.#checked)
    const selected = decodeAttention(q, this.#cache, { ...execution, blocks })
    const window = this.#attendWindow(q)
    return { output: gatedSum([compressed.output, selected.output, window], gates, name), blocks }
  }

  /** Releases the memory. */
  dispose(): void {
    this.#cache.dispose()
  }

  #attendWindow(q: Tensor): Tensor {
    const { window, execution } = this.#checked
    const size = this.#recent.k.shape[1]
    const count = Math.min(window, this.length)
    // Whatever their order is, attention to them is the same; it is that of the ring where the window fills it.
    const list = Array.from({ length: count }, (_, i) => (this.length - count + i) % size)
    const part = (x: Tensor) => (count === size ? x : gatherTokens(x, list))
    return attention(q, part(this.#recent.k), part(this.#recent.v), execution).output
  }

  #remember(k: Tensor, v: Tensor): void {
    const { length, stride } = this.#checked
    const { keyWeights, valueWeights } = this.#options
    const position = this.length - 1
    const size = this.#recent.k.shape[1]
    putRow(k, this.#recent.k, position % size)
    putRow(v, this.#recent.v, position % size)
    const sinceFirst = this.length - length
    if (sinceFirst < 0 || sinceFirst % stride !== 0) return
    const list = Array.from({ length }, (_, i) => (sinceFirst + i) % size)
    const run = (x: Tensor, weights: ArrayLike<number> | undefined) =>
      compressTokens(gatherTokens(x, list), { length, stride, weights })
    putRow(run(this.#recent.k, keyWeights), this.#compressed.k, sinceFirst / stride)
    putRow(run(this.#recent.v, valueWeights), this.#compressed.v, sinceFirst / stride)
  }
}

registerDispose(NsaState.prototype)

/** Writes the only token of `from` over a token of `to`. */
function putRow(from: Tensor, to: Tensor, token: number): void {
  const [heads, tokens, headDim] = to.shape
  const row = gatherTokens(from, [0]).data
  for (let head = 0; head < heads; head++)
    to.data.set(row.subarray(head * headDim, (head + 1) * headDim), (head * tokens + token) * headDim)
}

/**
 * An empty state for decoding with {@link nsa}, which gives the same as {@link nsa} with the same options and a selection for
 * every query.
 *
 * @throws TypeError if an option is of the wrong kind
 * @throws RangeError if a size is out of range
 */
export function nsaState(options: NsaStateOptions): NsaState {
  const checked = expectNsa(options, 'nsaState')
  expectExtent(options.tokens, 1, 'nsaState: tokens')
  return new NsaState(options, checked)
}
