import { attention, attentionBackward } from '@nnz/attention'
import {
  type BackwardOptions,
  type ForwardOptions,
  Leaf,
  type Linear,
  type Module,
  type Parameter,
} from '@nnz/backprop/kit'
import { expectMatrix, rangeError, type Tensor, tensor, zeros } from '@nnz/core'
import { type Rotations, rotate, rotations } from '../../decoder/rope.ts'

/** Sizes of a {@link GroupedAttention}. */
export interface GroupedAttentionOptions {
  readonly width: number
  readonly heads: number
  /** Divides the heads. */
  readonly keyHeads: number
  readonly ropeBase: number
}

interface Saved {
  readonly projected: Tensor
  readonly output: Tensor
  readonly logSumExp: Tensor
  readonly turns: Rotations
  readonly sequenceOffsets: readonly number[]
}

/**
 * Causal attention of packed sequences in which several queries share keys and values (arXiv 2305.13245), with rotary
 * positions: one projection to turned queries and keys and to values, attention in each head, and a projection back.
 */
export class GroupedAttention extends Leaf<Saved> {
  override readonly parts: readonly Module[]
  readonly #name: string
  readonly #project: Linear
  readonly #combine: Linear
  readonly #options: GroupedAttentionOptions

  constructor(name: string, project: Linear, combine: Linear, options: GroupedAttentionOptions) {
    super()
    this.#name = name
    this.#project = project
    this.#combine = combine
    this.#options = options
    this.parts = [project, combine]
  }

  get parameters(): readonly Parameter[] {
    return this.parts.flatMap(({ parameters }) => parameters)
  }

  /** Queries, keys and values inside what the projection gives, or inside the gradient by it. */
  #views({ data, shape: [tokens, stride] }: Tensor): { q: Tensor; k: Tensor; v: Tensor } {
    const { width, heads, keyHeads } = this.#options
    const headDim = width / heads
    const view = (first: number, count: number) =>
      tensor(data.subarray(first * headDim), [count, tokens, headDim], { strides: [headDim, stride, 1] })
    return { q: view(0, heads), k: view(heads, keyHeads), v: view(heads + keyHeads, keyHeads) }
  }

  /** [tokens, width] seen as [heads, tokens, headDim]. */
  #heads({ data, shape: [tokens, width] }: Tensor): Tensor {
    const { heads } = this.#options
    return tensor(data, [heads, tokens, width / heads], { strides: [width / heads, width, 1] })
  }

  #rotate({ data, shape: [, stride] }: Tensor, turns: Rotations, direction: 1 | -1): void {
    const { heads, keyHeads } = this.#options
    rotate(data, turns, { stride, heads: heads + keyHeads, direction })
  }

  forward(x: Tensor, { save = true, input = true, sequenceOffsets }: ForwardOptions = {}): Tensor {
    const { width, heads, ropeBase } = this.#options
    const [rows] = expectMatrix(x, `${this.#name}: x`).shape
    const offsets = sequenceOffsets ?? [0, rows]
    if (offsets.at(-1) !== rows)
      throw rangeError('NNZ_SHAPE', `${this.#name}: x has ${rows} rows, expected ${offsets.at(-1)} (the sequences)`)
    const turns = rotations(positionsOf(offsets), width / heads, ropeBase)
    const projected = this.#project.forward(x, { save, input })
    this.#rotate(projected, turns, 1)
    const { q, k, v } = this.#views(projected)
    const output = zeros([rows, width])
    const { logSumExp } = attention(q, k, v, { causal: true, sequenceOffsets: offsets, out: this.#heads(output) })
    const saved = { projected, output, logSumExp, turns, sequenceOffsets: offsets }
    if (save) this.keep(saved, [projected.data, output.data, logSumExp.data], [rows, width])
    else this.forget()
    return this.#combine.forward(output, { save })
  }

  backward(dy: Tensor, options: BackwardOptions = {}): Tensor | undefined {
    const slope = this.#combine.backward(dy, { ...options, input: true })!
    const { projected, output, logSumExp, turns, sequenceOffsets } = this.take(slope, this.#name)
    const saved = { ...this.#views(projected), output: this.#heads(output), logSumExp, causal: true, sequenceOffsets }
    const dProjected = zeros(projected.shape)
    const { dQ, dK, dV } = attentionBackward(this.#heads(slope), saved)
    const { q, k, v } = this.#views(dProjected)
    copyHeads(dQ, q)
    copyHeads(dK, k)
    copyHeads(dV, v)
    this.#rotate(dProjected, turns, -1)
    return this.#project.backward(dProjected, options)
  }
}

/** Of each token inside its sequence. */
function positionsOf(sequenceOffsets: readonly number[]): number[] {
  return sequenceOffsets
    .slice(1)
    .flatMap((end, i) => Array.from({ length: end - sequenceOffsets[i] }, (_, position) => position))
}

/** [heads, tokens, headDim] into a view of the same shape. */
function copyHeads({ data, shape: [heads, tokens, headDim] }: Tensor, { data: to, strides }: Tensor): void {
  for (let head = 0, from = 0; head < heads; head++)
    for (let token = 0; token < tokens; token++, from += headDim)
      to.set(data.subarray(from, from + headDim), head * strides[0] + token * strides[1])
}
