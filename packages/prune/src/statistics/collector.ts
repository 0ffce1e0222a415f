import { describe, expectMatrix, gemm, rangeError, type Tensor, tensor, transposed } from '@nnz/core'

/** What went through a layer: sums over all tokens of the calibration data. */
export interface LayerStatistics {
  /** Number of tokens. */
  readonly tokens: number
  /** Sum of squares of each input, [columns]. */
  readonly squaredNorms: Float64Array
  /** Mean of each input, [columns]; zeros if there was no token. */
  readonly means: Float64Array
  /** Sum of x·xᵀ, [columns, columns], symmetric to the bit; undefined if it was not asked for. */
  readonly gram?: Float32Array | undefined
}

/** Options of {@link StatisticsCollector}. */
export interface StatisticsOptions {
  /** Whether the Gram matrix is summed, which SparseGPT and DSnoT need and Wanda does not. Default: true. */
  readonly gram?: boolean | undefined
}

/** Tokens that are multiplied at once: few enough that f32 sums of them are exact to six digits. */
const TOKENS = 1024

/** Tokens that are copied at once. */
const TILE = 16

/** Columns of one strip of the Gram matrix: of each strip only what stands left of its end is computed. */
const STRIP = 384

/**
 * Sums the statistics of one layer's inputs, batch by batch. Products run in f32 on blocks of 1024 tokens through core's
 * `gemm`, and blocks are summed in f64. Memory: 8 · columns² bytes for the sum, 4096 · columns for the block of tokens and
 * 1536 · columns for a product: 26 MB for 1536 columns; `statistics()` makes another 4 · columns².
 */
export class StatisticsCollector {
  readonly columns: number
  readonly #squares: Float64Array
  readonly #sums: Float64Array
  readonly #gram: Float64Array | undefined
  readonly #block: Float32Array | undefined
  #waiting = 0
  #tokens = 0

  /** @throws RangeError if `columns` is not a whole number from 0 on */
  constructor(columns: number, options: StatisticsOptions = {}) {
    if (!Number.isInteger(columns) || columns < 0)
      throw rangeError(
        'NNZ_SHAPE',
        `StatisticsCollector: expected columns to be a whole number >= 0, got ${describe(columns)}`,
      )
    this.columns = columns
    this.#squares = new Float64Array(columns)
    this.#sums = new Float64Array(columns)
    if (options.gram === false) return
    this.#gram = new Float64Array(columns * columns)
    this.#block = new Float32Array(TOKENS * columns)
  }

  /**
   * Takes the inputs of a batch, which are copied.
   *
   * @param x [tokens, columns], any strides
   * @throws TypeError if x is no matrix
   * @throws RangeError if its columns do not fit, or an element is not finite; the sums are then as before
   */
  add(x: Tensor): void {
    const { shape, strides, data } = expectMatrix(x, 'StatisticsCollector: x')
    const [tokens, columns] = shape
    if (columns !== this.columns)
      throw rangeError('NNZ_SHAPE', `StatisticsCollector: x has ${columns} columns, expected ${this.columns}`)
    for (let token = 0; token < tokens; token++)
      for (let i = 0, at = token * strides[0]; i < columns; i++, at += strides[1])
        if (!Number.isFinite(data[at]))
          throw rangeError(
            'NNZ_VALUE',
            `StatisticsCollector: token ${token}, input ${i}: expected a finite number, got ${data[at]}`,
          )
    for (let token = 0; token < tokens; ) {
      const count = Math.min(TILE, tokens - token, TOKENS - this.#waiting)
      this.#copy(data, token * strides[0], strides, count)
      token += count
      if (this.#waiting === TOKENS) this.#multiply()
    }
    this.#tokens += tokens
  }

  /** Takes a few tokens, which are short ways apart in memory whichever way the matrix lies. */
  #copy(data: Float32Array, start: number, strides: readonly number[], count: number): void {
    const { columns } = this
    const block = this.#block
    for (let i = 0; i < columns; i++) {
      let sum = 0
      let squares = 0
      for (let token = 0; token < count; token++) {
        const value = data[start + token * strides[0] + i * strides[1]]
        sum += value
        squares += value * value
        if (block) block[(this.#waiting + token) * columns + i] = value
      }
      this.#sums[i] += sum
      this.#squares[i] += squares
    }
    if (block) this.#waiting += count
  }

  /** What was seen so far. More may be added afterwards. */
  statistics(): LayerStatistics {
    this.#multiply()
    return {
      tokens: this.#tokens,
      squaredNorms: this.#squares.slice(),
      means: this.#sums.map((sum) => (this.#tokens === 0 ? 0 : sum / this.#tokens)),
      gram: this.#gram && symmetric(this.#gram, this.columns),
    }
  }

  /** Adds the Gram matrix of the tokens that wait: of its strips, what stands on and below the diagonal. */
  #multiply(): void {
    if (!this.#gram || !this.#block || this.#waiting === 0) return
    const { columns } = this
    const waiting = this.#waiting
    for (let begin = 0; begin < columns; begin += STRIP) {
      const end = Math.min(begin + STRIP, columns)
      const view = (from: number, width: number) =>
        tensor(this.#block!.subarray(from), [waiting, width], { strides: [columns, 1] })
      const { data } = gemm(transposed(view(begin, end - begin)), view(0, end))
      for (let row = begin, at = 0; row < end; row++)
        for (let i = row * columns; i < row * columns + end; i++) this.#gram[i] += data[at++]
    }
    this.#waiting = 0
  }
}

/** The whole matrix from its lower triangle. */
function symmetric(lower: Float64Array, n: number): Float32Array {
  const result = new Float32Array(n * n)
  for (let row = 0; row < n; row++)
    for (let column = 0; column <= row; column++)
      result[row * n + column] = result[column * n + row] = lower[row * n + column]
  return result
}
