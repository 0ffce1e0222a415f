import { rangeError } from '@nnz/core'
import { expectSymmetric, type MatrixValues } from './matrix.ts'
import { STATUS, withArrays } from './module.ts'

/** Eigenvalues and eigenvectors of a symmetric matrix a = Q · diag(values) · Qᵀ. */
export interface SymmetricEigen {
  /** [n], rising. */
  readonly values: Float64Array
  /** Q, [n, n], row-major: column i belongs to values[i]. */
  readonly vectors: Float64Array
}

function inPlace(
  a: MatrixValues,
  n: number,
  name: string,
  operation: 'cholesky' | 'inverse' | 'inverse_factor',
): Float64Array | undefined {
  expectSymmetric(a, n, name)
  return withArrays([n * n], name, (exports, [matrix]) => {
    matrix.values.set(a)
    return exports[operation](matrix.address, n) === STATUS.done ? matrix.values.slice() : undefined
  })
}

/**
 * The Cholesky factor of a symmetric positive definite matrix: L, lower triangular, with a = L·Lᵀ.
 *
 * @param a [n, n], row-major
 * @returns L, [n, n], row-major, zeros above the diagonal; undefined if a is not positive definite
 * @throws TypeError if a is no array of f64 or f32
 * @throws RangeError if its length does not fit n, an element is not finite, or a is not symmetric
 * @throws BackendUnavailableError where compiling WebAssembly is forbidden
 */
export function cholesky(a: MatrixValues, n: number): Float64Array | undefined {
  return inPlace(a, n, 'cholesky', 'cholesky')
}

/**
 * The inverse of a symmetric positive definite matrix, symmetric to the bit.
 *
 * @param a [n, n], row-major
 * @returns a⁻¹, [n, n], row-major; undefined if a is not positive definite
 * @throws what {@link cholesky} throws
 */
export function inverse(a: MatrixValues, n: number): Float64Array | undefined {
  return inPlace(a, n, 'inverse', 'inverse')
}

/**
 * The upper Cholesky factor of the inverse of a symmetric positive definite matrix: U with a⁻¹ = Uᵀ·U, which is what
 * SparseGPT and GPTQ walk along. It costs two thirds of n³ multiply-adds, a third of what inverting and factoring would.
 *
 * @param a [n, n], row-major
 * @returns U, [n, n], row-major, zeros below the diagonal; undefined if a is not positive definite
 * @throws what {@link cholesky} throws
 */
export function inverseFactor(a: MatrixValues, n: number): Float64Array | undefined {
  return inPlace(a, n, 'inverseFactor', 'inverse_factor')
}

/**
 * Eigenvalues and orthonormal eigenvectors of a symmetric matrix.
 *
 * @param a [n, n], row-major
 * @throws what {@link cholesky} throws, and RangeError if the iteration does not converge
 */
export function symmetricEigen(a: MatrixValues, n: number): SymmetricEigen {
  expectSymmetric(a, n, 'symmetricEigen')
  return withArrays([n * n, n], 'symmetricEigen', (exports, [matrix, values]) => {
    matrix.values.set(a)
    if (exports.symmetric_eigen(matrix.address, n, values.address) !== STATUS.done)
      throw rangeError('NNZ_VALUE', `symmetricEigen: no convergence for a matrix [${n}, ${n}]`)
    return { values: values.values.slice(), vectors: matrix.values.slice() }
  })
}
