import { describe, erf, expectMatrix, rangeError, type Tensor, zeros } from '@nnz/core'
import { activateWasm } from '../../activation/activate.ts'
import { activationBackward } from '../../activation/activation-backward.ts'
import type { BackwardOptions, ForwardOptions } from '../module.ts'
import { rowMajor } from './gather.ts'
import { Leaf } from './leaf.ts'

/** Loops of their own, so that each is compiled for one function. */
const APPLY = {
  // On the bits, without a branch: signs are random, and a branch that is guessed wrong takes ten times as long.
  relu(x: Float32Array, y: Float32Array) {
    const from = new Int32Array(x.buffer, x.byteOffset, x.length)
    const to = new Int32Array(y.buffer, y.byteOffset, y.length)
    for (let i = 0; i < from.length; i++) {
      const bits = from[i]
      const notANumber = (0x7f800000 - (bits & 0x7fffffff)) >> 31
      to[i] = bits & (~(bits >> 31) | notANumber)
    }
  },
  gelu(x: Float32Array, y: Float32Array) {
    for (let i = 0; i < x.length; i++) y[i] = 0.5 * x[i] * (1 + erf(x[i] * Math.SQRT1_2))
  },
  'gelu-tanh'(x: Float32Array, y: Float32Array) {
    const factor = Math.sqrt(2 / Math.PI)
    for (let i = 0; i < x.length; i++) {
      const v = x[i]
      y[i] = 0.5 * v * (1 + Math.tanh(factor * (v + 0.044715 * v * v * v)))
    }
  },
  silu(x: Float32Array, y: Float32Array) {
    for (let i = 0; i < x.length; i++) y[i] = x[i] / (1 + Math.exp(-x[i]))
  },
}

/** Activations of {@link ActivationModule}, named as in `spmm`. */
export type ActivationName = keyof typeof APPLY

/** An activation applied to each element. For relu its output is kept, which the next layer keeps anyway. */
export class ActivationModule extends Leaf<Tensor> {
  readonly parameters = []
  readonly #activation: ActivationName

  constructor(activation: ActivationName) {
    super()
    if (!Object.hasOwn(APPLY, activation)) {
      const known = Object.keys(APPLY).join(', ')
      throw rangeError('NNZ_VALUE', `activation: expected one of ${known}, got ${describe(activation)}`)
    }
    this.#activation = activation
  }

  forward(x: Tensor, { save = true, input = true }: ForwardOptions = {}): Tensor {
    const y = zeros(expectMatrix(x, `${this.#activation}: x`).shape)
    const source = rowMajor(x)
    // The rectifier costs less than the way into WASM memory and back.
    const done = this.#activation !== 'relu' && activateWasm(source, y, this.#activation)
    if (!done) APPLY[this.#activation](source, y.data)
    const kept = this.#activation === 'relu' ? y : x
    if (save && input) this.keep(kept, [kept.data], [y.shape[0], y.shape[1]])
    else this.forget()
    return y
  }

  backward(dy: Tensor, { input = true }: BackwardOptions = {}): Tensor | undefined {
    return input ? activationBackward(dy, this.take(dy, this.#activation), { activation: this.#activation }) : undefined
  }
}

/** max(0, x). */
export function relu(): ActivationModule {
  return new ActivationModule('relu')
}

/** The Gaussian error linear unit, x·Φ(x), with the error function (arXiv 1606.08415). */
export function gelu(): ActivationModule {
  return new ActivationModule('gelu')
}

/** The Gaussian error linear unit in its tanh form, `gelu-tanh` of `spmm` (arXiv 1606.08415). */
export function geluTanh(): ActivationModule {
  return new ActivationModule('gelu-tanh')
}

/** x·σ(x). */
export function silu(): ActivationModule {
  return new ActivationModule('silu')
}
