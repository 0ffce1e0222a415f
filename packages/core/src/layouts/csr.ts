import { type AnyValues, type Compact, compactFunctions, expectFloat32, toValues } from '../compact/layout.ts'
import { scaleGroups } from '../compact/values.ts'
import { describe, typeError } from '../errors.ts'
import { toFloat32 } from '../tensor.ts'
import * as checks from './checks.ts'
import type { Csc } from './csc.ts'

/**
 * Compressed sparse rows: the entries of row i are `values[rowOffsets[i] .. rowOffsets[i + 1]]`, in columns
 * `columnIndices[…]`, which rise strictly inside a row. A stored zero is an entry.
 */
export interface Csr {
  readonly layout: 'csr'
  readonly shape: readonly [rows: number, columns: number]
  readonly rowOffsets: Uint32Array
  readonly columnIndices: Uint32Array
  readonly values: Float32Array
  readonly nnz: number
}

/** A {@link Csr} whose values are stored in a compact type. */
export type CompactCsr = Compact<Csr>

/** The parts of a {@link Csr}. */
export interface CsrParts {
  shape: readonly number[]
  rowOffsets: ArrayLike<number>
  columnIndices: ArrayLike<number>
  values: ArrayLike<number>
}

function create(parts: Compact<CsrParts>): CompactCsr
function create(parts: CsrParts): Csr
function create(parts: AnyValues<CsrParts>): Csr | CompactCsr {
  if (typeof parts !== 'object' || parts === null)
    throw typeError('NNZ_TYPE', `csr: expected an object, got ${describe(parts)}`)
  const shape = checks.expectShape(parts.shape, 'csr')
  const record = {
    layout: 'csr' as const,
    shape,
    rowOffsets: checks.toIndices(parts.rowOffsets, 'csr: rowOffsets'),
    columnIndices: checks.toIndices(parts.columnIndices, 'csr: columnIndices'),
    values: toValues(parts.values, shape, 'csr: values'),
    nnz: parts.values.length,
  }
  validate(record as Csr | CompactCsr)
  checks.checked.add(record)
  return Object.freeze(record) as Csr | CompactCsr
}

function validate(w: Csr | CompactCsr): void {
  checks.expectShape(w.shape, 'csr')
  checks.checkLength(w.columnIndices, w.values.length, 'csr: columnIndices')
  checks.checkOffsets(w.rowOffsets, w.shape[0], w.values.length, 'csr: rowOffsets')
  checks.checkSortedIndices(w.rowOffsets, w.columnIndices, w.shape[1], 'csr: columnIndices')
}

function fromDense(data: ArrayLike<number>, shape: readonly number[]): Csr {
  const [rows, columns] = checks.expectShape(shape, 'csr.fromDense')
  checks.expectDense(data, [rows, columns], 'csr.fromDense')
  const source = toFloat32(data, 'csr.fromDense')
  const rowOffsets = new Uint32Array(rows + 1)
  let nnz = 0
  for (let i = 0, row = 0; row < rows; row++) {
    for (const end = i + columns; i < end; i++) if (source[i] !== 0) nnz++
    rowOffsets[row + 1] = nnz
  }
  const columnIndices = new Uint32Array(nnz)
  const values = new Float32Array(nnz)
  for (let i = 0, at = 0, row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i++) {
      const value = source[i]
      if (value !== 0) {
        columnIndices[at] = column
        values[at++] = value
      }
    }
  }
  return create({ shape: [rows, columns], rowOffsets, columnIndices, values })
}

function toDense(w: Csr): Float32Array {
  expectFloat32(w, 'csr', 'csr.toDense')
  const [rows, columns] = w.shape
  const dense = checks.denseArray(w.shape, 'csr.toDense')
  for (let row = 0; row < rows; row++) {
    for (let i = w.rowOffsets[row]; i < w.rowOffsets[row + 1]; i++)
      dense[row * columns + w.columnIndices[i]] = w.values[i]
  }
  return dense
}

function transpose(w: Csr): Csr {
  expectFloat32(w, 'csr', 'csr.transpose')
  const [rows, columns] = w.shape
  const { offsets, indices, order } = checks.transposeCompressed(rows, columns, w.rowOffsets, w.columnIndices)
  return create({
    shape: [columns, rows],
    rowOffsets: offsets,
    columnIndices: indices,
    values: checks.permute(w.values, order),
  })
}

function fromCsc(w: Csc): Csr {
  const [rows, columns] = w.shape
  const { offsets, indices, order } = checks.transposeCompressed(columns, rows, w.columnOffsets, w.rowIndices)
  return create({
    shape: w.shape,
    rowOffsets: offsets,
    columnIndices: indices,
    values: checks.permute(w.values, order),
  })
}

function scaleIndices(w: Csr | CompactCsr, groupColumns: number): Uint32Array {
  const groups = scaleGroups(w.shape[1], groupColumns)
  const indices = new Uint32Array(w.nnz)
  for (let row = 0; row < w.shape[0]; row++) {
    for (let i = w.rowOffsets[row]; i < w.rowOffsets[row + 1]; i++)
      indices[i] = row * groups + Math.floor(w.columnIndices[i] / groupColumns)
  }
  return indices
}

/**
 * Compressed sparse rows.
 *
 * - `csr({ shape, rowOffsets, columnIndices, values })` checks the arrays once and wraps them (a Uint32Array and a
 *   Float32Array without copying). Throws RangeError, naming the array and the position, where they are inconsistent.
 * - `csr.fromDense(data, [rows, columns])` keeps every element that is not exactly zero (so NaN is kept, -0 is not).
 * - `csr.toDense(w)` is the row-major Float32Array; `csr.transpose(w)` a CSR of the transposed matrix;
 *   `csr.fromCsc(w)` the same matrix from columns; `csr.validate(w)` repeats the checks, after arrays were written to.
 * - `csr.quantise(w, { type: 'i8', scales: 'row' })` stores the values in `f16`, `bf16` or `i8`; `csr.toFloat32(w)` goes
 *   back, and `csr.compactCost(w, quantised)` is the error and the bytes.
 */
export const csr = Object.assign(create, {
  fromDense,
  toDense,
  validate,
  transpose,
  fromCsc,
  ...compactFunctions<Csr>('csr', create as (parts: AnyValues<CsrParts>) => Csr | CompactCsr, scaleIndices),
})
