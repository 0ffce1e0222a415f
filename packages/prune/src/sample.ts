import { gemm, type Tensor, tensor, transposed } from '@nnz/core'
import type { LayerWeights } from './network.ts'

/**
 * Some of the tokens that went through a layer, evenly spread over all of them: every stride-th is kept, and when there are
 * too many, every second of those is dropped.
 */
export class InputSample {
  readonly #columns: number
  readonly #most: number
  #rows: Float32Array[] = []
  #stride = 1
  #seen = 0

  constructor(columns: number, most = 512) {
    this.#columns = columns
    this.#most = most
  }

  /** Takes a batch, [tokens, columns], any strides. */
  add({ data, shape, strides }: Tensor): void {
    for (let token = 0; token < shape[0]; token++) {
      if (this.#seen++ % this.#stride !== 0) continue
      const row = new Float32Array(this.#columns)
      for (let i = 0; i < row.length; i++) row[i] = data[token * strides[0] + i * strides[1]]
      this.#rows.push(row)
      if (this.#rows.length <= this.#most) continue
      this.#rows = this.#rows.filter((_, i) => i % 2 === 0)
      this.#stride *= 2
    }
  }

  /** Sum of squares of each input over the kept tokens. */
  squaredNorms(): Float64Array {
    const sums = new Float64Array(this.#columns)
    for (const row of this.#rows) for (let i = 0; i < row.length; i++) sums[i] += row[i] * row[i]
    return sums
  }

  /** The inputs, [columns, tokens]. */
  inputs(): Tensor {
    const data = new Float32Array(this.#rows.length * this.#columns)
    this.#rows.forEach((row, i) => {
      data.set(row, i * this.#columns)
    })
    return transposed(tensor(data, [this.#rows.length, this.#columns]))
  }
}

/** Sum of squares. */
function energy(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i]
  return sum
}

/** Norm of the difference over the norm of `before`; 0 if that is 0. */
export function relativeDifference(before: Float32Array, after: Float32Array): number {
  const norm = energy(before)
  return norm === 0 ? 0 : Math.sqrt(energy(after.map((value, i) => value - before[i])) / norm)
}

/** What a layer does with some inputs, to compare other weights with. */
export class OutputError {
  readonly #layer: LayerWeights
  readonly #inputs: Tensor
  readonly #energy: number

  /**
   * @param layer weights before pruning, kept until the last comparison
   * @param inputs [columns, tokens]
   */
  constructor(layer: LayerWeights, inputs: Tensor) {
    this.#layer = { ...layer, weights: layer.weights.slice() }
    this.#inputs = inputs
    this.#energy = energy(this.#times(this.#layer.weights))
  }

  /** Squared error of the output with other weights, as a share of the output's square; 0 if there is no output. */
  of(weights: Float32Array): number {
    if (this.#energy === 0) return 0
    return energy(this.#times(weights.map((weight, i) => weight - this.#layer.weights[i]))) / this.#energy
  }

  #times(weights: Float32Array): ArrayLike<number> {
    const { rows, columns } = this.#layer
    if (rows * columns * this.#inputs.shape[1] === 0) return []
    return gemm(tensor(weights, [rows, columns]), this.#inputs).data
  }
}
