import { describe, rangeError, typeError } from '@nnz/core'

/** Elements of a matrix, row-major. */
export type MatrixValues = Float64Array | Float32Array

/** The largest part of the largest element by which a symmetric matrix may differ from its transpose. */
const ASYMMETRY = 1e-6

/** Elements that fit into the memory of the module together with what it needs besides. */
const MOST = 2 ** 26

/**
 * Checks a matrix.
 *
 * @throws TypeError if it is no Float64Array or Float32Array
 * @throws RangeError if its length does not fit its shape, or an element is not finite
 */
export function expectMatrix(values: MatrixValues, rows: number, columns: number, name: string): void {
  if (!(values instanceof Float64Array || values instanceof Float32Array))
    throw typeError('NNZ_TYPE', `${name}: expected a Float64Array or Float32Array, got ${describe(values)}`)
  for (const extent of [rows, columns])
    if (!Number.isInteger(extent) || extent < 0)
      throw rangeError('NNZ_SHAPE', `${name}: expected extents that are whole numbers >= 0, got ${describe(extent)}`)
  if (values.length !== rows * columns)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: [${rows}, ${columns}] takes ${rows * columns} elements, got ${values.length}`,
    )
  if (values.length > MOST) throw rangeError('NNZ_SHAPE', `${name}: [${rows}, ${columns}] has more than 2^26 elements`)
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]))
      throw rangeError(
        'NNZ_VALUE',
        `${name}: row ${Math.floor(i / columns)}, column ${i % columns}: expected a finite number, got ${values[i]}`,
      )
}

/**
 * Checks a symmetric matrix.
 *
 * @throws what {@link expectMatrix} throws
 * @throws RangeError if it differs from its transpose by more than rounding
 */
export function expectSymmetric(values: MatrixValues, n: number, name: string): void {
  expectMatrix(values, n, n, name)
  let largest = 0
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]))
  for (let row = 0; row < n; row++)
    for (let column = 0; column < row; column++) {
      const [below, above] = [values[row * n + column], values[column * n + row]]
      if (Math.abs(below - above) > ASYMMETRY * largest)
        throw rangeError(
          'NNZ_VALUE',
          `${name}: expected a symmetric matrix, got ${below} at [${row}, ${column}] and ${above} at [${column}, ${row}]`,
        )
    }
}
