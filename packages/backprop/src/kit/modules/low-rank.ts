import { expectMatrix, gemm, rangeError, type Tensor, tensor, transposed, zeros } from '@nnz/core'
import { expectArguments } from '../arguments.ts'
import type { BackwardOptions, ForwardOptions } from '../module.ts'
import { Parameter } from '../parameter.ts'
import type { Random } from '../random.ts'
import { gatherColumns, rowMajor } from './gather.ts'
import { Leaf } from './leaf.ts'

/** Channels of a frozen weight that take part: rising outputs and inputs, all where undefined. */
export interface Channels {
  readonly outputs?: Uint32Array | undefined
  readonly inputs?: Uint32Array | undefined
}

/** Options of {@link LowRankLinear}. */
export interface LowRankOptions {
  /** Frozen, [outputs, inputs]. */
  readonly weight: Tensor
  readonly rank: number
  /** Factor of the low-rank part. Default: 1. */
  readonly scale?: number
  readonly random: Random
}

interface SavedLowRank {
  readonly x: Tensor
  readonly inner: Tensor
  readonly channels: Channels
  readonly part: Tensor
}

/**
 * y = x·wᵀ + scale · (x·aᵀ)·bᵀ with a frozen w (LoRA, Hu et al., arXiv 2106.09685). With `channels` only a dense sub-matrix
 * of w takes part, forward and backward, while a and b stay whole (SparseLoRA, Khaki et al., arXiv 2506.16500); they can be
 * chosen anew before each forward pass.
 */
export class LowRankLinear extends Leaf<SavedLowRank> {
  readonly parameters: readonly Parameter[]
  /** [rank, inputs] */
  readonly a: Parameter
  /** [outputs, rank], zero at first. */
  readonly b: Parameter
  /** Which part of the frozen weight takes part in the next forward pass. */
  channels: Channels = {}
  readonly #name: string
  readonly #weight: Tensor
  readonly #scale: number

  constructor(name: string, options: LowRankOptions) {
    super()
    expectArguments('LowRankLinear', { string: { name }, object: { options } })
    const { weight, rank, scale = 1, random } = options
    expectArguments('LowRankLinear', { random: { random } })
    const [outputs, inputs] = expectMatrix(weight, `${name}: weight`).shape
    const values = Float32Array.from({ length: rank * inputs }, () => random.normal() / Math.sqrt(inputs))
    this.#name = name
    this.#weight = weight
    this.#scale = scale
    this.a = new Parameter(`${name}.a`, tensor(values, [rank, inputs]))
    this.b = new Parameter(`${name}.b`, zeros([outputs, rank]))
    this.parameters = [this.a, this.b]
  }

  /** The sub-matrix of w that takes part. */
  #part({ outputs, inputs }: Channels): Tensor {
    const columns = inputs ? gatherColumns(this.#weight, inputs) : this.#weight
    return outputs ? transposed(gatherColumns(transposed(columns), outputs)) : columns
  }

  forward(x: Tensor, { save = true }: ForwardOptions = {}): Tensor {
    const [tokens, inputs] = expectMatrix(x, `${this.#name}: x`).shape
    const [outputs, expected] = this.#weight.shape
    if (inputs !== expected)
      throw rangeError('NNZ_SHAPE', `${this.#name}: x has ${inputs} columns, expected ${expected}`)
    const { channels } = this
    expectRising(channels.outputs, outputs, `${this.#name}: outputs`)
    expectRising(channels.inputs, inputs, `${this.#name}: inputs`)
    const part = this.#part(channels)
    const chosen = channels.inputs ? gatherColumns(x, channels.inputs) : x
    const inner = gemm(x, transposed(this.a.value))
    const y = gemm(inner, transposed(this.b.value))
    addColumns(gemm(chosen, transposed(part)), channels.outputs, y, this.#scale)
    const copied = part === this.#weight ? [] : [part.data]
    if (save) this.keep({ x, inner, channels, part }, [x.data, inner.data, ...copied], [tokens, outputs])
    else this.forget()
    this.work.forward += tokens * (part.shape[0] * part.shape[1] + this.#lowRank)
    return y
  }

  get #lowRank(): number {
    return this.a.value.data.length + this.b.value.data.length
  }

  backward(dy: Tensor, { input = true }: BackwardOptions = {}): Tensor | undefined {
    const { x, inner, channels, part } = this.take(dy, this.#name)
    const [tokens] = dy.shape
    const scaled = tensor(
      rowMajor(dy).map((slope) => slope * this.#scale),
      dy.shape,
    )
    const dInner = gemm(scaled, this.b.value)
    this.a.takeGradient(() => gemm(transposed(dInner), x).data)
    this.b.takeGradient(() => gemm(transposed(scaled), inner).data)
    this.work.weightGradient += tokens * this.#lowRank
    if (!input) return undefined
    const dx = gemm(dInner, this.a.value)
    const slopes = channels.outputs ? gatherColumns(dy, channels.outputs) : dy
    addColumns(gemm(slopes, part), channels.inputs, dx, 1)
    this.work.inputGradient += tokens * (part.shape[0] * part.shape[1] + this.#lowRank)
    return dx
  }
}

function expectRising(channels: Uint32Array | undefined, limit: number, name: string): void {
  channels?.forEach((channel, i) => {
    if (channel >= limit || (i > 0 && channel <= channels[i - 1]))
      throw rangeError('NNZ_VALUE', `${name}: expected rising channels below ${limit}, got ${channel} at ${i}`)
  })
}

/** y = scale · y, plus values in the chosen columns. */
function addColumns(values: Tensor, columns: Uint32Array | undefined, y: Tensor, scale: number): void {
  const [rows, width] = y.shape
  const count = columns ? columns.length : width
  if (scale !== 1) for (let i = 0; i < y.data.length; i++) y.data[i] *= scale
  for (let row = 0, from = 0; row < rows; row++)
    for (let i = 0; i < count; i++) y.data[row * width + (columns ? columns[i] : i)] += values.data[from++]
}
