import { gemm, rangeError, type Tensor, tensor, zeros } from '@nnz/core'
import { expectExtent } from '../mask/checks.ts'
import { attentionWithBias } from './bias.ts'
import { expectNumbers, expectStep } from './checks.ts'
import { type CheckedPruning, expectPruning, type PruningOptions } from './context-gate.ts'
import { sparseSigmoid } from './sparse-sigmoid.ts'
import { gatherTokens, matrixRows, sliceTokens } from './tokens.ts'

/** Size of a state. */
export interface PruningStateOptions extends PruningOptions {
  keyHeads: number
  headDim: number
  /** Width of the interactions. */
  width: number
  /** Room for that many tokens at once. */
  capacity: number
}

/** Decoding with {@link prunedAttention}: the place of a dropped token is used again. */
export class PruningState {
  readonly #options: PruningStateOptions
  readonly #checked: CheckedPruning
  readonly #keys: Tensor
  readonly #values: Tensor
  readonly #interactions: Tensor
  /** Token of each place in use, and the logarithm of its gate. */
  #tokens: number[] = []
  readonly #logs: Float64Array
  #length = 0

  /** Use `pruningState`. */
  constructor(options: PruningStateOptions, checked: CheckedPruning) {
    const { keyHeads, headDim, width, capacity } = options
    this.#options = options
    this.#checked = checked
    this.#keys = zeros([keyHeads, capacity, headDim])
    this.#values = zeros([keyHeads, capacity, headDim])
    this.#interactions = zeros([capacity, width])
    this.#logs = new Float64Array(capacity)
  }

  /** Tokens so far, dropped ones included. */
  get length(): number {
    return this.#length
  }

  /** Tokens that are still in the context, rising. */
  get tokens(): number[] {
    return [...this.#tokens].sort((a, b) => a - b)
  }

  /** Bytes of the keys and values that are still in the context. */
  get bytes(): number {
    const { keyHeads, headDim } = this.#options
    return 8 * keyHeads * headDim * this.#tokens.length
  }

  /**
   * One token: it decides about the context, is taken in, and attends.
   *
   * @param q [heads, 1, headDim]; k and v [keyHeads, 1, headDim]
   * @param interaction with which it decides, and is decided about, [1, width] each
   * @returns the output, in the shape of q
   * @throws RangeError if shapes do not fit or no place is free
   */
  step(q: Tensor, k: Tensor, v: Tensor, interaction: { queries: Tensor; keys: Tensor }): Tensor {
    const name = 'pruningState'
    const { width, capacity } = this.#options
    expectStep(q, k, v, this.#options, name)
    for (const key of ['queries', 'keys'] as const)
      expectNumbers(interaction?.[key], [1, width], `${name}: interaction.${key}`)
    this.#decide(interaction.queries)
    const place = this.#tokens.length
    if (place === capacity)
      throw rangeError('NNZ_MEMORY', `${name}: there is room for ${capacity} tokens, and none was dropped`)
    this.#put(gatherTokens(k, [0]).data, this.#keys, place)
    this.#put(gatherTokens(v, [0]).data, this.#values, place)
    this.#interactions.data.set(interaction.keys.data, place * width)
    this.#logs[place] = 0
    this.#tokens.push(this.#length++)
    const kept = (x: Tensor) => sliceTokens(x, 0, place + 1)
    const bias = tensor(Float32Array.from(this.#logs.subarray(0, place + 1)), [1, place + 1])
    return attentionWithBias(q, kept(this.#keys), kept(this.#values), bias, this.#checked.execution).output
  }

  /** Lowers gates; the last token moves to the place of a dropped one. */
  #decide(queries: Tensor): void {
    const { width } = this.#options
    const { alpha, beta, execution } = this.#checked
    const count = this.#tokens.length
    if (count === 0) return
    const column = tensor(queries.data, [width, 1])
    const { data } = gemm(matrixRows(this.#interactions, 0, count), column, { backend: execution.backend })
    for (let place = count - 1; place >= 0; place--) {
      const share = sparseSigmoid(data[place] / Math.sqrt(width) + beta, alpha)
      if (share > 0) this.#logs[place] += Math.log(share)
      else this.#drop(place)
    }
  }

  #drop(place: number): void {
    const last = this.#tokens.length - 1
    for (const rows of [this.#keys, this.#values]) this.#put(gatherTokens(rows, [last]).data, rows, place)
    const { width } = this.#options
    this.#interactions.data.copyWithin(place * width, last * width, (last + 1) * width)
    this.#logs[place] = this.#logs[last]
    this.#tokens[place] = this.#tokens[last]
    this.#tokens.pop()
  }

  #put(row: Float32Array, to: Tensor, place: number): void {
    const { keyHeads, headDim, capacity } = this.#options
    for (let head = 0; head < keyHeads; head++)
      to.data.set(row.subarray(head * headDim, (head + 1) * headDim), (head * capacity + place) * headDim)
  }
}

/**
 * An empty state for decoding with {@link prunedAttention}, which gives the same with the same options.
 *
 * @throws TypeError if an option is of the wrong kind
 * @throws RangeError if a size is out of range
 */
export function pruningState(options: PruningStateOptions): PruningState {
  const checked = expectPruning(options, 'pruningState')
  for (const key of ['keyHeads', 'headDim', 'width', 'capacity'] as const)
    expectExtent(options[key], 1, `pruningState: ${key}`)
  return new PruningState(options, checked)
}
