import { type Csr, expectMatrix, rangeError, type Tensor, zeros } from '@nnz/core'
import { expectCsr } from '../checks.ts'
import { expectArguments } from '../kit/arguments.ts'
import { countOf, type Pattern } from '../masks/pattern.ts'

/** Rows that have entries, rising. */
export function activeRows(pattern: Pattern): Uint32Array {
  expectArguments('activeRows', { pattern: { pattern } })
  const { rowOffsets } = pattern
  const rows = Array.from({ length: rowOffsets.length - 1 }, (_, row) => row)
  return Uint32Array.from(rows.filter((row) => rowOffsets[row + 1] > rowOffsets[row]))
}

/**
 * The number of entries of every row that has any, 0 for an empty pattern.
 *
 * @throws RangeError if rows differ
 */
export function fanInOf(pattern: Pattern, name = 'fanInOf'): number {
  const active = activeRows(pattern)
  const fanIn = active.length === 0 ? 0 : countOf(pattern) / active.length
  for (const row of active) {
    const entries = pattern.rowOffsets[row + 1] - pattern.rowOffsets[row]
    if (entries !== fanIn)
      throw rangeError('NNZ_LAYOUT', `${name}: expected ${fanIn} entries in each active row, row ${row} has ${entries}`)
  }
  return fanIn
}

/** A matrix whose active rows have one number of entries: rows without entries are left out, offsets are not needed. */
export interface Condensed {
  readonly layout: 'condensed'
  readonly shape: readonly [rows: number, columns: number]
  readonly fanIn: number
  readonly activeRows: Uint32Array
  /** `[activeRows.length, fanIn]`. */
  readonly columnIndices: Uint32Array
  readonly values: Float32Array
}

/** The condensed form of SRigL (arXiv 2305.02299), without a copy. Throws RangeError unless fan-in is constant. */
export function condense(w: Csr): Condensed {
  const { shape, columnIndices, values } = expectCsr(w, 'condense: w')
  return { layout: 'condensed', shape, fanIn: fanInOf(w, 'condense'), activeRows: activeRows(w), columnIndices, values }
}

/**
 * x·wᵀ for condensed w, in plain JavaScript: meant for a few tokens, as in online inference.
 *
 * @param x [tokens, columns], any strides
 * @returns [tokens, rows]
 */
export function condensedLinear(x: Tensor, w: Condensed): Tensor {
  const { shape, strides, data } = expectMatrix(x, 'condensedLinear: x')
  expectArguments('condensedLinear', { object: { w }, numbers: { 'w.shape': w?.shape } })
  const [rows, columns] = w.shape
  if (shape[1] !== columns)
    throw rangeError('NNZ_SHAPE', `condensedLinear: x has ${shape[1]} columns, expected ${columns} (the columns of w)`)
  const y = zeros([shape[0], rows])
  const { activeRows: active, columnIndices, values, fanIn } = w
  const output = y.data
  for (let token = 0; token < shape[0]; token++) {
    const from = token * strides[0]
    for (let i = 0, entry = 0; i < active.length; i++) {
      let sum = 0
      for (const end = entry + fanIn; entry < end; entry++)
        sum += values[entry] * data[from + columnIndices[entry] * strides[1]]
      output[token * rows + active[i]] = sum
    }
  }
  return y
}
