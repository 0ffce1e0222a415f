import { type BackwardOptions, type ForwardOptions, Leaf, Parameter } from '@nnz/backprop/kit'
import { expectMatrix, rangeError, type Tensor, tensor, zeros } from '@nnz/core'

/** Divides each row by its root mean square, then scales columns (Zhang and Sennrich, arXiv 1910.07467). */
export class RmsNorm extends Leaf<{ readonly x: Float32Array; readonly inverse: Float32Array }> {
  readonly parameters: readonly Parameter[]
  readonly gain: Parameter
  readonly #name: string
  readonly #epsilon: number

  constructor(name: string, gain: Float32Array, epsilon: number) {
    super()
    this.#name = name
    this.#epsilon = epsilon
    this.gain = new Parameter(`${name}.weight`, tensor(gain, [gain.length]))
    this.parameters = [this.gain]
  }

  forward(x: Tensor, { save = true }: ForwardOptions = {}): Tensor {
    const [rows, columns] = expectMatrix(x, `${this.#name}: x`).shape
    const gain = this.gain.value.data
    if (columns !== gain.length)
      throw rangeError('NNZ_SHAPE', `${this.#name}: x has ${columns} columns, expected ${gain.length}`)
    const source = x.data
    const y = zeros([rows, columns])
    const output = y.data
    const inverse = new Float32Array(rows)
    for (let row = 0; row < rows; row++) {
      const [begin, end] = [row * columns, (row + 1) * columns]
      let squares = 0
      for (let i = begin; i < end; i++) squares += source[i] * source[i]
      const scale = 1 / Math.sqrt(squares / columns + this.#epsilon)
      inverse[row] = scale
      for (let i = begin; i < end; i++) output[i] = source[i] * scale * gain[i - begin]
    }
    if (save) this.keep({ x: source, inverse }, [source, inverse], [rows, columns])
    else this.forget()
    return y
  }

  backward(dy: Tensor, { input = true }: BackwardOptions = {}): Tensor | undefined {
    const { x, inverse } = this.take(dy, this.#name)
    const gain = this.gain.value.data
    const [rows, columns] = [inverse.length, gain.length]
    const slope = dy.data
    const gains = new Float64Array(columns)
    const dx = zeros([input ? rows : 0, columns])
    const output = dx.data
    for (let row = 0; row < rows; row++) {
      const begin = row * columns
      const scale = inverse[row]
      let along = 0
      for (let i = 0; i < columns; i++) {
        const product = slope[begin + i] * x[begin + i] * scale
        gains[i] += product
        along += product * gain[i]
      }
      const part = (along / columns) * scale * scale
      if (!input) continue
      for (let i = 0; i < columns; i++) output[begin + i] = slope[begin + i] * gain[i] * scale - x[begin + i] * part
    }
    this.gain.takeGradient(() => gains)
    return input ? dx : undefined
  }
}
