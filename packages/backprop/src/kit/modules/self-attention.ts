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
    options: { causal: boolean; out: Tensor },
  ): { readonly output: Tensor; readonly logSumExp: Tensor }
  attentionBackward(
    dOutput: Tensor,
    saved: { q: Tensor; k: Tensor; v: Tensor; output: Tensor; logSumExp: Tensor; causal: boolean },
  ): { readonly dQ: Tensor; readonly dK: Tensor; readonly dV: Tensor }
}

/** Options of {@link SelfAttention}. */
export interface SelfAttentionOptions {
  readonly width: number
  /** Divides the width. */
  readonly heads: number
  /** Of one sequence. */
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
}

/**
 * Self-attention: x [sequences · tokens, width] through one projection to queries, keys and values, attention in each head,
 * and a projection back. Its two `Linear` may be made sparse.
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

  /** A part of token-major rows seen as [batch, heads, tokens, headDim]. */
  #heads(matrix: Tensor, part = 0): Tensor {
    const { width, heads, tokens } = this.#options
    const [rows, columns] = matrix.shape
    const shape = [rows / tokens, heads, tokens, width / heads]
    const strides = [tokens * columns, width / heads, columns, 1]
    return tensor(matrix.data.subarray(part * width), shape, { strides })
  }

  forward(x: Tensor, { save = true, input = true }: ForwardOptions = {}): Tensor {
    const { width, tokens, functions, causal = true } = this.#options
    const [rows] = expectMatrix(x, `${this.#name}: x`).shape
    if (rows % tokens !== 0)
      throw rangeError('NNZ_SHAPE', `${this.#name}: x has ${rows} rows, expected whole sequences of ${tokens}`)
    const deeper = input || isTrained(this.project)
    const projected = this.project.forward(x, { save, input })
    const [q, k, v] = [0, 1, 2].map((part) => this.#heads(projected, part))
    const output = zeros([rows, width])
    const { logSumExp } = functions.attention(q, k, v, { causal, out: this.#heads(output) })
    if (save && deeper)
      this.keep({ projected, output, logSumExp }, [projected.data, output.data, logSumExp.data], [rows, width])
    else this.forget()
    // Scores and weighted values of a token and, where causal, those before it.
    this.work.forward += 2 * rows * width * this.#seen()
    return this.combine.forward(output, { save, input: deeper })
  }

  /** Keys that a token sees on average. */
  #seen(): number {
    const { tokens, causal = true } = this.#options
    return causal ? (tokens + 1) / 2 : tokens
  }

  backward(dy: Tensor, options: BackwardOptions = {}): Tensor | undefined {
    const { width, heads, tokens, functions, causal = true } = this.#options
    const deeper = options.input !== false || isTrained(this.project)
    const slope = this.combine.backward(dy, { ...options, input: deeper })
    if (!slope) return undefined
    const { projected, output, logSumExp } = this.take(slope, this.#name)
    const [q, k, v] = [0, 1, 2].map((part) => this.#heads(projected, part))
    const saved = { q, k, v, output: this.#heads(output), logSumExp, causal }
    const { dQ, dK, dV } = functions.attentionBackward(this.#heads(slope), saved)
    const rows = slope.shape[0]
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
    this.work.inputGradient += 5 * rows * width * this.#seen()
    return this.project.backward(dProjected, options)
  }
}
