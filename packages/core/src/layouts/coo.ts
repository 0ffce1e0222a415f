import { expectFloat32 } from '../compact/layout.ts'
import { describe, rangeError, typeError } from '../errors.ts'
import { toFloat32 } from '../tensor.ts'
import * as checks from './checks.ts'
import { type Csr, csr } from './csr.ts'

/** Coordinates: entry i is `values[i]` at row `rowIndices[i]`, column `columnIndices[i]`, sorted by row, then column. */
export interface Coo {
  readonly layout: 'coo'
  readonly shape: readonly [rows: number, columns: number]
  readonly rowIndices: Uint32Array
  readonly columnIndices: Uint32Array
  readonly values: Float32Array
  readonly nnz: number
}

/** The parts of a {@link Coo}. */
export interface CooParts {
  shape: readonly number[]
  rowIndices: ArrayLike<number>
  columnIndices: ArrayLike<number>
  values: ArrayLike<number>
}

function create(parts: CooParts): Coo {
  if (typeof parts !== 'object' || parts === null)
    throw typeError('NNZ_TYPE', `coo: expected an object, got ${describe(parts)}`)
  const record: Coo = {
    layout: 'coo',
    shape: checks.expectShape(parts.shape, 'coo'),
    rowIndices: checks.toIndices(parts.rowIndices, 'coo: rowIndices'),
    columnIndices: checks.toIndices(parts.columnIndices, 'coo: columnIndices'),
    values: toFloat32(parts.values, 'coo: values'),
    nnz: parts.values.length,
  }
  validate(record)
  checks.checked.add(record)
  return Object.freeze(record)
}

function validate(w: Coo): void {
  const [rows, columns] = checks.expectShape(w.shape, 'coo')
  checks.checkLength(w.rowIndices, w.values.length, 'coo: rowIndices')
  checks.checkLength(w.columnIndices, w.values.length, 'coo: columnIndices')
  for (let i = 0; i < w.values.length; i++) {
    const row = w.rowIndices[i]
    const column = w.columnIndices[i]
    if (row >= rows)
      throw rangeError('NNZ_LAYOUT', `coo: rowIndices[${i}]: expected an index below ${rows}, got ${row}`)
    if (column >= columns) {
      throw rangeError('NNZ_LAYOUT', `coo: columnIndices[${i}]: expected an index below ${columns}, got ${column}`)
    }
    const after =
      i === 0 || row > w.rowIndices[i - 1] || (row === w.rowIndices[i - 1] && column > w.columnIndices[i - 1])
    if (!after) {
      const duplicate = row === w.rowIndices[i - 1] && column === w.columnIndices[i - 1]
      throw rangeError(
        'NNZ_LAYOUT',
        `coo: rowIndices[${i}], columnIndices[${i}]: expected entries sorted by row, then column; it ${duplicate ? 'is a duplicate of' : 'stands before'} the one before`,
      )
    }
  }
}

function fromCsr(w: Csr): Coo {
  expectFloat32(w, 'csr', 'coo.fromCsr')
  const rowIndices = new Uint32Array(w.nnz)
  for (let row = 0; row < w.shape[0]; row++) rowIndices.fill(row, w.rowOffsets[row], w.rowOffsets[row + 1])
  return create({ shape: w.shape, rowIndices, columnIndices: w.columnIndices, values: w.values })
}

function toCsr(w: Coo): Csr {
  const rowOffsets = new Uint32Array(w.shape[0] + 1)
  for (let i = 0; i < w.nnz; i++) rowOffsets[w.rowIndices[i] + 1]++
  for (let row = 0; row < w.shape[0]; row++) rowOffsets[row + 1] += rowOffsets[row]
  return csr({ shape: w.shape, rowOffsets, columnIndices: w.columnIndices, values: w.values })
}

function fromDense(data: ArrayLike<number>, shape: readonly number[]): Coo {
  return fromCsr(csr.fromDense(data, shape))
}

function toDense(w: Coo): Float32Array {
  return csr.toDense(toCsr(w))
}

function transpose(w: Coo): Coo {
  return fromCsr(csr.transpose(toCsr(w)))
}

/** Coordinates, with the same functions as {@link csr}; `coo.fromCsr` and `coo.toCsr` convert. */
export const coo = Object.assign(create, { fromDense, toDense, validate, transpose, fromCsr, toCsr })
