import { describe, expectMatrix, rangeError, type Tensor, zeros } from '@nnz/core'
import { activationBackward } from '../../activation/activation-backward.ts'
import type { BackwardOptions, ForwardOptions } from '../module.ts'
import { Leaf } from './leaf.ts'

const FUNCTIONS = {
  relu: (x: number) => Math.max(0, x),
  'gelu-tanh': (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
  silu: (x: number) => x / (1 + Math.exp(-x)),
}

/** Activations of {@link ActivationModule}, named as in `spmm`. */
export type ActivationName = keyof typeof FUNCTIONS

/** An activation applied to each element. For relu its output is kept, which the next layer keeps anyway. */
export class ActivationModule extends Leaf<Tensor> {
  readonly parameters = []
  readonly #activation: ActivationName

  constructor(activation: ActivationName) {
    super()
    if (!Object.hasOwn(FUNCTIONS, activation)) {
      const known = Object.keys(FUNCTIONS).join(', ')
      throw rangeError('NNZ_VALUE', `activation: expected one of ${known}, got ${describe(activation)}`)
    }
    this.#activation = activation
  }

  forward(x: Tensor, { save = true, input = true }: ForwardOptions = {}): Tensor {
    const [rows, columns] = expectMatrix(x, `${this.#activation}: x`).shape
    const [rowStride, columnStride] = x.strides
    const [source, y, f] = [x.data, zeros([rows, columns]), FUNCTIONS[this.#activation]]
    const values = y.data
    for (let row = 0, at = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) values[at++] = f(source[row * rowStride + column * columnStride])
    const kept = this.#activation === 'relu' ? y : x
    if (save && input) this.keep(kept, [kept.data])
    else this.forget()
    return y
  }

  backward(dy: Tensor, { input = true }: BackwardOptions = {}): Tensor | undefined {
    return input ? activationBackward(dy, this.take(this.#activation), { activation: this.#activation }) : undefined
  }
}

/** max(0, x). */
export function relu(): ActivationModule {
  return new ActivationModule('relu')
}

/** The Gaussian error linear unit in its tanh form (arXiv 1606.08415). */
export function gelu(): ActivationModule {
  return new ActivationModule('gelu-tanh')
}

/** x·σ(x). */
export function silu(): ActivationModule {
  return new ActivationModule('silu')
}
