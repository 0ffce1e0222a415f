import { type Csr, expectMatrix, gemm, rangeError, type Tensor, tensor, transposed } from '@nnz/core'
import type { Pattern } from '../../masks/pattern.ts'
import { expectArguments } from '../arguments.ts'
import { initialWeights } from '../initial.ts'
import type { BackwardOptions, ForwardOptions } from '../module.ts'
import { Parameter } from '../parameter.ts'
import type { Random } from '../random.ts'
import { columnSums } from './gather.ts'
import { Leaf } from './leaf.ts'
import { WeightProduct } from './weight-product.ts'

/** Options of {@link Linear}. */
export interface LinearOptions {
  readonly inputs: number
  readonly outputs: number
  /** Draws the initial weights. */
  readonly random: Random
  /** Default: √2, for layers before a relu. */
  readonly gain?: number
  /** Default: true. */
  readonly bias?: boolean
}

/**
 * y = x·wᵀ + bias, x [tokens, inputs]. The weight may become sparse or dense at any time between steps
 * (`weight.repattern`). Of a dense weight chosen rows, columns or entries can be trained: gradients are then products of
 * that size, and of x only the chosen columns are kept.
 */
export class Linear extends Leaf<{ readonly x: Tensor | undefined }> {
  readonly parameters: readonly Parameter[]
  readonly weight: Parameter
  readonly bias: Parameter | undefined
  readonly #name: string
  readonly #product: WeightProduct

  constructor(name: string, options: LinearOptions, weight?: Tensor | Csr) {
    super()
    expectArguments('Linear', { string: { name }, object: { options } })
    const { inputs, outputs, random, gain, bias = true } = options
    this.#name = name
    this.weight = new Parameter(`${name}.weight`, weight ?? initialWeights([outputs, inputs], random, gain))
    this.bias = bias ? new Parameter(`${name}.bias`, tensor(new Float32Array(outputs), [outputs])) : undefined
    this.parameters = this.bias ? [this.weight, this.bias] : [this.weight]
    this.#product = new WeightProduct(this.weight)
  }

  override get packedBytes(): number {
    return this.#product.packedBytes
  }

  override dispose(): void {
    this.#product.dispose()
  }

  forward(x: Tensor, { save = true }: ForwardOptions = {}): Tensor {
    const [tokens, inputs] = expectMatrix(x, `${this.#name}: x`).shape
    if (inputs !== this.weight.shape[1])
      throw rangeError('NNZ_SHAPE', `${this.#name}: x has ${inputs} columns, expected ${this.weight.shape[1]}`)
    const needed = save ? this.#product.needed(x) : undefined
    if (save) this.keep({ x: needed }, needed ? [needed.data] : [], [tokens, this.weight.shape[0]])
    else this.forget()
    this.work.forward += tokens * this.weight.value.data.length
    return this.#product.forward(x, this.bias?.value.data)
  }

  backward(dy: Tensor, { input = true, everywhere = false }: BackwardOptions = {}): Tensor | undefined {
    const { x } = this.take(dy, this.#name)
    const [tokens] = dy.shape
    const { dx, gradient } = this.#product.backward(dy, x, input)
    this.weight.gradient = gradient
    const wanted = everywhere && x && this.weight.csr
    this.weight.gradientEverywhere = wanted ? gemm(transposed(dy), x).data : undefined
    if (wanted) this.work.weightGradient += tokens * this.weight.shape[0] * this.weight.shape[1]
    if (input) this.work.inputGradient += tokens * this.weight.value.data.length
    if (gradient) this.work.weightGradient += tokens * this.weight.count
    this.bias?.takeGradient(() => columnSums(dy))
    return dx
  }
}

/** Options of {@link SparseLinear}. */
export interface SparseLinearOptions extends LinearOptions {
  /** Entries that are kept, [outputs, inputs]. */
  readonly pattern: Pattern
}

/** A {@link Linear} that begins sparse. */
export class SparseLinear extends Linear {
  constructor(name: string, options: SparseLinearOptions) {
    expectArguments('SparseLinear', { object: { options } })
    expectArguments('SparseLinear', { pattern: { pattern: options.pattern } })
    const { outputs, inputs, pattern, random, gain } = options
    super(name, options, initialWeights([outputs, inputs], random, gain, pattern))
  }
}
