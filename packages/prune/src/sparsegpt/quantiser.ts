import { describe, rangeError, scaleGroups } from '@nnz/core'

/** How kept weights are rounded. */
export interface QuantiseChoice {
  /** 8: whole numbers in -127..127 times a scale; 4: in -7..7. */
  readonly bits: 4 | 8
  /** Columns of a row that share a scale. Default: the whole row. */
  readonly groupColumns?: number | undefined
}

/** Rounded weights: that at row r and column c is codes[r · columns + c] · scales[r · groups + floor(c / groupColumns)]. */
export interface QuantisedWeights {
  readonly bits: 4 | 8
  /** [rows, columns], 0 where nothing is kept. */
  readonly codes: Int8Array
  /** [rows, groups]. */
  readonly scales: Float32Array
  readonly groupColumns: number
}

/** Scales that are tried, as shares of the one that reaches the largest magnitude: clipping it can round the others less. */
const SHARES = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7]

/** Rounds weights of a layer one after the other. */
export class Quantiser {
  readonly result: QuantisedWeights
  readonly #columns: number
  readonly #groups: number
  readonly #largest: number

  /** @throws RangeError if the choice is none */
  constructor({ bits, groupColumns }: QuantiseChoice, rows: number, columns: number, name: string) {
    if (bits !== 4 && bits !== 8)
      throw rangeError('NNZ_VALUE', `${name}: expected quantise.bits to be 4 or 8, got ${describe(bits)}`)
    const width = groupColumns ?? Math.max(1, columns)
    if (!Number.isInteger(width) || width < 1)
      throw rangeError(
        'NNZ_VALUE',
        `${name}: expected quantise.groupColumns to be a whole number >= 1, got ${describe(groupColumns)}`,
      )
    this.#columns = columns
    this.#groups = scaleGroups(columns, width)
    this.#largest = bits === 8 ? 127 : 7
    this.result = {
      bits,
      codes: new Int8Array(rows * columns),
      scales: new Float32Array(rows * this.#groups),
      groupColumns: width,
    }
  }

  /** Chooses the scale of a row's group from its weights as they are when its first column is reached. */
  begin(weights: Float32Array, row: number, column: number): void {
    const { groupColumns, scales } = this.result
    if (column % groupColumns !== 0) return
    const from = row * this.#columns
    const group = weights.subarray(from + column, from + Math.min(column + groupColumns, this.#columns))
    let largest = 0
    for (let i = 0; i < group.length; i++) largest = Math.max(largest, Math.abs(group[i]))
    let best = 0
    let least = Number.POSITIVE_INFINITY
    for (const share of SHARES) {
      const scale = Math.fround((share * largest) / this.#largest)
      const error = this.#error(group, scale)
      if (error < least) {
        least = error
        best = scale
      }
    }
    scales[row * this.#groups + column / groupColumns] = best
  }

  /** The nearest value that can be stored. */
  round(weight: number, row: number, column: number): number {
    const { groupColumns, scales, codes } = this.result
    const scale = scales[row * this.#groups + Math.floor(column / groupColumns)]
    const at = row * this.#columns + column
    codes[at] = this.#code(weight, scale)
    return Math.fround(codes[at] * scale)
  }

  #code(weight: number, scale: number): number {
    if (scale === 0) return 0
    return Math.max(-this.#largest, Math.min(this.#largest, Math.round(weight / scale)))
  }

  #error(group: Float32Array, scale: number): number {
    let sum = 0
    for (let i = 0; i < group.length; i++) sum += (group[i] - this.#code(group[i], scale) * scale) ** 2
    return sum
  }
}
