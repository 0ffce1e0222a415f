import { expectMatrix, rangeError, type Tensor, tensor, zeros } from '@nnz/core'
import { expectArguments } from '../arguments.ts'
import { type BackwardOptions, type ForwardOptions, isTrained, type Module } from '../module.ts'
import type { Parameter } from '../parameter.ts'
import type { Random } from '../random.ts'
import { Leaf } from './leaf.ts'
import { Linear } from './linear.ts'

/** What {@link SelfAttention} computes with; `attention` and `attentionBackward` of @nnz/attention are. */
export interface AttentionFunctions {
  /** q, k, v: [batch, heads, tokens, headDim] with strides; `out` of the same shape is written and returned as output. */
  attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    options: { causal: boolean; sequenceOffsets: readonly number[] | undefined; out: Tensor },
  ): { readonly output: Tensor; readonly logSumExp: Tensor }
  attentionBackward(
    dOutput: Tensor,
    saved: {
      q: Tensor
      k: Tensor
      v: Tensor
      output: Tensor
      logSumExp: Tensor
      causal: boolean
      sequenceOffsets: readonly number[] | undefined
    },
  ): { readonly dQ: Tensor; readonly dK: Tensor; readonly dV: Tensor }
}

/** Options of {@link SelfAttention}. */
export interface SelfAttentionOptions {
  readonly width: number
  /** Divides the width. */
  readonly heads: number
  /** Of one sequence, where a forward pass is not given `sequenceOffsets`. */
  readonly tokens: number
  readonly functions: AttentionFunctions
  readonly random: Random
  /** Gain of the initial output projection; smaller for deep networks. Default: 1. */
  readonly outputGain?: number
  /** Tokens see themselves and those before them. Default: true. */
  readonly causal?: boolean
}

interface SavedAttention {
  readonly projected: Tensor
  readonly output: Tensor
  readonly logSumExp: Tensor
  readonly sequenceOffsets: readonly number[] | undefined
}

/**
 * Self-attention: x [sequences · tokens, width] through one projection to queries, keys and values, attention in each head,
 * and a projection back. With `sequenceOffsets` the sequences may differ in length. Its two `Linear` may be made sparse.
 */
export class SelfAttention extends Leaf<SavedAttention> {
  override readonly parts: readonly Module[]
  readonly project: Linear
  readonly combine: Linear
  readonly #name: string
  readonly #options: SelfAttentionOptions

  constructor(name: string, options: SelfAttentionOptions) {
    super()
    expectArguments('SelfAttention', { string: { name }, object: { options } })
    expectArguments('SelfAttention', { object: { functions: options.functions } })
    const { width, heads, random, outputGain: gain = 1 } = options
    if (!(Number.isInteger(heads) && heads > 0 && width % heads === 0))
      throw rangeError('NNZ_VALUE', `${name}: expected heads that divide the width ${width}, got ${heads}`)
    this.#name = name
    this.#options = options
    this.project = new Linear(`${name}.project`, { inputs: width, outputs: 3 * width, random, gain: 1 })
    this.combine = new Linear(`${name}.combine`, { inputs: width, outputs: width, random, gain })
    this.parts = [this.project, this.combine]
  }

  get parameters(): readonly Parameter[] {
    return this.parts.flatMap(({ parameters }) => parameters)
  }

  /** A part of token-major rows seen as [batch, heads, tokens, headDim]; packed sequences are one batch. */
  #heads(matrix: Tensor, packed: boolean, part = 0): Tensor {
    const { width, heads } = this.#options
    const [rows, columns] = matrix.shape
    const tokens = packed ? rows : this.#options.tokens
    const shape = [packed ? 1 : rows / tokens, heads, tokens, width / heads]
    const strides = [tokens * columns, width / heads, columns, 1]
    return tensor(matrix.data.subarray(part * width), shape, { strides })
  }

  forward(x: Tensor, { save = true, input = true, sequenceOffsets }: ForwardOptions = {}): Tensor {
    const { width, tokens, functions, causal = true } = this.#options
    const [rows] = expectMatrix(x, `${this.#name}: x`).shape
    const packed = sequenceOffsets !== undefined
    if (!packed && rows % tokens !== 0)
      throw rangeError('NNZ_SHAPE', `${this.#name}: x has ${rows} rows, expected whole sequences of ${tokens}`)
    const deeper = input || isTrained(this.project)
    const projected = this.project.forward(x, { save, input })
    const [q, k, v] = [0, 1, 2].map((part) => this.#heads(projected, packed, part))
    const output = zeros([rows, width])
    const out = this.#heads(output, packed)
    const { logSumExp } = functions.attention(q, k, v, { causal, sequenceOffsets, out })
    const saved = { projected, output, logSumExp, sequenceOffsets }
    if (save && deeper) this.keep(saved, [projected.data, output.data, logSumExp.data], [rows, width])
    else this.forget()
    // Scores and weighted values.
    this.work.forward += 2 * width * this.#pairs(rows, sequenceOffsets)
    return this.combine.forward(output, { save, input: deeper })
  }

  /** How many tokens all tokens together see: those of their sequence or, where causal, those up to themselves. */
  #pairs(rows: number, sequenceOffsets: readonly number[] | undefined): number {
    const { tokens, causal = true } = this.#options
    const pairs = (length: number) => (causal ? (length * (length + 1)) / 2 : length ** 2)
    if (!sequenceOffsets) return (rows / tokens) * pairs(tokens)
    return sequenceOffsets.reduce((sum, end, i) => sum + (i === 0 ? 0 : pairs(end - sequenceOffsets[i - 1])), 0)
  }

  backward(dy: Tensor, options: BackwardOptions = {}): Tensor | undefined {
    const { width, heads, functions, causal = true } = this.#options
    const deeper = options.input !== false || isTrained(this.project)
    const slope = this.combine.backward(dy, { ...options, input: deeper })
    if (!slope) return undefined
    const { projected, output, logSumExp, sequenceOffsets } = this.take(slope, this.#name)
    const packed = sequenceOffsets !== undefined
    const [q, k, v] = [0, 1, 2].map((part) => this.#heads(projected, packed, part))
    const saved = { q, k, v, output: this.#heads(output, packed), logSumExp, causal, sequenceOffsets }
    const { dQ, dK, dV } = functions.attentionBackward(this.#heads(slope, packed), saved)
    const rows = slope.shape[0]
    const tokens = packed ? rows : this.#options.tokens
    const dProjected = zeros([rows, 3 * width])
    const headDim = width / heads
    ;[dQ, dK, dV].forEach(({ data }, part) => {
      for (let from = 0; from < data.length; from += headDim) {
        const token = (from / headDim) % tokens
        const head = Math.floor(from / (headDim * tokens)) % heads
        const row = Math.floor(from / (width * tokens)) * tokens + token
        dProjected.data.set(data.subarray(from, from + headDim), row * 3 * width + part * width + head * headDim)
      }
    })
    // Scores again, and the four products of the gradients.
    this.work.inputGradient += 5 * width * this.#pairs(rows, sequenceOffsets)
    return this.project.backward(dProjected, options)
  }
}
