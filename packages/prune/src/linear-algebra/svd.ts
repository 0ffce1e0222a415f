import { rangeError } from '@nnz/core'
import { expectMatrix, type MatrixValues } from './matrix.ts'
import { STATUS, withArrays } from './module.ts'

/** The thin singular value decomposition a = U · diag(s) · Vᵀ, with k = min(rows, columns). */
export interface Svd {
  /** U, [rows, k], row-major, orthonormal columns. */
  readonly u: Float64Array
  /** [k], falling, none negative. */
  readonly s: Float64Array
  /** Vᵀ, [k, columns], row-major, orthonormal rows. */
  readonly vt: Float64Array
}

/**
 * The thin singular value decomposition of a matrix.
 *
 * @param a [rows, columns], row-major
 * @throws TypeError if a is no array of f64 or f32
 * @throws RangeError if its length does not fit, an element is not finite, or the iteration does not converge
 * @throws BackendUnavailableError where compiling WebAssembly is forbidden
 */
export function svd(a: MatrixValues, rows: number, columns: number): Svd {
  expectMatrix(a, rows, columns, 'svd')
  const k = Math.min(rows, columns)
  return withArrays([rows * columns, rows * k, k, k * columns], 'svd', (exports, [matrix, u, s, vt]) => {
    matrix.values.set(a)
    if (exports.svd(matrix.address, rows, columns, u.address, s.address, vt.address) !== STATUS.done)
      throw rangeError('NNZ_VALUE', `svd: no convergence for a matrix [${rows}, ${columns}]`)
    return { u: u.values.slice(), s: s.values.slice(), vt: vt.values.slice() }
  })
}
