import { expectMatrix, rangeError, type Tensor, zeros } from '@nnz/core'
import { expectArguments } from '../arguments.ts'
import type { BackwardOptions, ForwardOptions } from '../module.ts'
import { Parameter } from '../parameter.ts'
import { rowMajor } from './gather.ts'
import { Leaf } from './leaf.ts'

/** Normalises each row to mean 0 and variance 1, then scales and shifts columns (Ba et al., arXiv 1607.06450). */
export class LayerNorm extends Leaf<{ readonly normal: Float32Array; readonly inverse: Float32Array }> {
  readonly parameters: readonly Parameter[]
  readonly gain: Parameter
  readonly bias: Parameter
  readonly #name: string
  readonly #epsilon: number

  constructor(name: string, width: number, epsilon = 1e-5) {
    super()
    expectArguments('LayerNorm', { string: { name } })
    this.#name = name
    this.#epsilon = epsilon
    this.gain = new Parameter(`${name}.gain`, zeros([width]))
    this.gain.value.data.fill(1)
    this.bias = new Parameter(`${name}.bias`, zeros([width]))
    this.parameters = [this.gain, this.bias]
  }

  forward(x: Tensor, { save = true }: ForwardOptions = {}): Tensor {
    const [rows, columns] = expectMatrix(x, `${this.#name}: x`).shape
    const [gain, bias] = [this.gain.value.data, this.bias.value.data]
    if (columns !== gain.length)
      throw rangeError('NNZ_SHAPE', `${this.#name}: x has ${columns} columns, expected ${gain.length}`)
    const source = rowMajor(x)
    const y = zeros([rows, columns])
    const output = y.data
    const normal = new Float32Array(rows * columns)
    const inverse = new Float32Array(rows)
    for (let row = 0; row < rows; row++) {
      const begin = row * columns
      let sum = 0
      for (let i = 0; i < columns; i++) sum += source[begin + i]
      const mean = sum / columns
      let squares = 0
      for (let i = 0; i < columns; i++) squares += (source[begin + i] - mean) ** 2
      const scale = 1 / Math.sqrt(squares / columns + this.#epsilon)
      inverse[row] = scale
      for (let i = 0; i < columns; i++) {
        normal[begin + i] = (source[begin + i] - mean) * scale
        output[begin + i] = normal[begin + i] * gain[i] + bias[i]
      }
    }
    if (save) this.keep({ normal, inverse }, [normal, inverse], [rows, columns])
    else this.forget()
    return y
  }

  backward(dy: Tensor, { input = true }: BackwardOptions = {}): Tensor | undefined {
    const { normal, inverse } = this.take(dy, this.#name)
    const columns = this.gain.value.data.length
    const rows = inverse.length
    const slope = rowMajor(dy)
    const gain = this.gain.value.data
    const [gains, biases] = [new Float64Array(columns), new Float64Array(columns)]
    const dx = zeros([input ? rows : 0, columns])
    const output = dx.data
    for (let row = 0; row < rows; row++) {
      const at = row * columns
      let sum = 0
      let along = 0
      for (let i = 0; i < columns; i++) {
        const d = slope[at + i]
        const n = normal[at + i]
        gains[i] += d * n
        biases[i] += d
        sum += d * gain[i]
        along += d * gain[i] * n
      }
      const [mean, part] = [sum / columns, along / columns]
      if (!input) continue
      for (let i = 0; i < columns; i++)
        output[at + i] = inverse[row] * (slope[at + i] * gain[i] - mean - normal[at + i] * part)
    }
    this.gain.takeGradient(() => gains)
    this.bias.takeGradient(() => biases)
    return input ? dx : undefined
  }
}
