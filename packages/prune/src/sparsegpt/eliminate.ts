import { gemm, tensor } from '@nnz/core'
import type { Hessian } from './hessian.ts'
import type { Quantiser } from './quantiser.ts'

/** Decides what is kept of columns begin..end of all rows, from the weights as they are then, and marks it. */
export type Chooser = (weights: Float32Array, mask: Uint8Array, begin: number, end: number) => void

/** How {@link eliminate} goes along the columns. */
export interface Walk {
  /** Columns after which the update of all later ones is made up for, by one product. */
  readonly blockSize: number
  /** Columns for which the mask is chosen at once; blockSize is a multiple of it. */
  readonly choiceSize: number
  readonly choose: Chooser
  readonly quantiser?: Quantiser | undefined
}

/**
 * Goes along the columns of a layer; what rounding or removing a weight changes in the output is compensated as well as
 * later weights of its row can (SparseGPT, arXiv 2301.00774, algorithm 1).
 *
 * @param weights [rows, columns], replaced
 * @param mask [rows, columns], filled by `walk.choose`
 */
export function eliminate(weights: Float32Array, mask: Uint8Array, rows: number, hessian: Hessian, walk: Walk): void {
  const { columns, factor } = hessian
  const { blockSize, choiceSize, choose } = walk
  const errors = new Float32Array(rows * Math.min(blockSize, columns))
  for (let begin = 0; begin < columns; begin += blockSize) {
    const end = Math.min(begin + blockSize, columns)
    for (let from = begin; from < end; from += choiceSize) {
      const to = Math.min(from + choiceSize, end)
      choose(weights, mask, from, to)
      for (let row = 0; row < rows; row++)
        eliminateRow(weights, mask, row, { hessian, quantiser: walk.quantiser, errors, begin, end, from, to })
    }
    if (end === columns) return
    const width = end - begin
    const later = columns - end
    const { data } = gemm(
      tensor(errors.subarray(0, rows * width), [rows, width]),
      tensor(factor.subarray(begin * columns + end), [width, later], { strides: [columns, 1] }),
    )
    for (let row = 0, i = 0; row < rows; row++)
      for (let at = row * columns + end; at < (row + 1) * columns; at++, i++) weights[at] -= data[i]
  }
}

interface Stretch {
  readonly hessian: Hessian
  readonly quantiser: Quantiser | undefined
  /** [rows, end - begin]. */
  readonly errors: Float32Array
  /** The block. */
  readonly begin: number
  readonly end: number
  /** The columns of it whose mask is chosen. */
  readonly from: number
  readonly to: number
}

function eliminateRow(weights: Float32Array, mask: Uint8Array, row: number, stretch: Stretch): void {
  const { hessian, quantiser, errors, begin, end, from, to } = stretch
  const { columns, factor } = hessian
  const start = row * columns
  for (let i = from; i < to; i++) {
    const weight = weights[start + i]
    quantiser?.begin(weights, row, i)
    const kept = mask[start + i] === 0 ? 0 : quantiser ? quantiser.round(weight, row, i) : weight
    const error = (weight - kept) / factor[i * columns + i]
    errors[row * (end - begin) + i - begin] = error
    weights[start + i] = kept
    if (error === 0) continue
    for (let j = i + 1, u = i * columns + i + 1; j < end; j++, u++) weights[start + j] -= error * factor[u]
  }
}
