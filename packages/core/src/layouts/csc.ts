import { expectFloat32 } from '../compact/layout.ts'
import { describe, typeError } from '../errors.ts'
import { toFloat32 } from '../tensor.ts'
import * as checks from './checks.ts'
import { type Csr, csr } from './csr.ts'

/** Compressed sparse columns: column j holds `values[columnOffsets[j] .. columnOffsets[j + 1]]` in rows `rowIndices[…]`. */
export interface Csc {
  readonly layout: 'csc'
  readonly shape: readonly [rows: number, columns: number]
  readonly columnOffsets: Uint32Array
  readonly rowIndices: Uint32Array
  readonly values: Float32Array
  readonly nnz: number
}

/** The parts of a {@link Csc}. */
export interface CscParts {
  shape: readonly number[]
  columnOffsets: ArrayLike<number>
  rowIndices: ArrayLike<number>
  values: ArrayLike<number>
}

function create(parts: CscParts): Csc {
  if (typeof parts !== 'object' || parts === null)
    throw typeError('NNZ_TYPE', `csc: expected an object, got ${describe(parts)}`)
  const record: Csc = {
    layout: 'csc',
    shape: checks.expectShape(parts.shape, 'csc'),
    columnOffsets: checks.toIndices(parts.columnOffsets, 'csc: columnOffsets'),
    rowIndices: checks.toIndices(parts.rowIndices, 'csc: rowIndices'),
    values: toFloat32(parts.values, 'csc: values'),
    nnz: parts.values.length,
  }
  validate(record)
  checks.checked.add(record)
  return Object.freeze(record)
}

function validate(w: Csc): void {
  checks.expectShape(w.shape, 'csc')
  checks.checkLength(w.rowIndices, w.values.length, 'csc: rowIndices')
  checks.checkOffsets(w.columnOffsets, w.shape[1], w.values.length, 'csc: columnOffsets')
  checks.checkSortedIndices(w.columnOffsets, w.rowIndices, w.shape[0], 'csc: rowIndices')
}

function fromCsr(w: Csr): Csc {
  expectFloat32(w, 'csr', 'csc.fromCsr')
  const [rows, columns] = w.shape
  const { offsets, indices, order } = checks.transposeCompressed(rows, columns, w.rowOffsets, w.columnIndices)
  return create({
    shape: w.shape,
    columnOffsets: offsets,
    rowIndices: indices,
    values: checks.permute(w.values, order),
  })
}

function fromDense(data: ArrayLike<number>, shape: readonly number[]): Csc {
  return fromCsr(csr.fromDense(data, shape))
}

function toDense(w: Csc): Float32Array {
  return csr.toDense(csr.fromCsc(w))
}

function transpose(w: Csc): Csc {
  return fromCsr(
    csr({
      shape: [w.shape[1], w.shape[0]],
      rowOffsets: w.columnOffsets,
      columnIndices: w.rowIndices,
      values: w.values,
    }),
  )
}

/** Compressed sparse columns, with the same functions as {@link csr}; `csc.fromCsr(w)` converts. */
export const csc = Object.assign(create, { fromDense, toDense, validate, transpose, fromCsr })
