import { describe, rangeError, typeError } from '@nnz/core'
import { inverseFactor } from '../linear-algebra/index.ts'
import type { LayerStatistics } from '../statistics/collector.ts'

/** The second derivatives of the squared error of a layer's output, the same for each row of its weights. */
export interface Hessian {
  readonly columns: number
  /** The Gram matrix with damping on its diagonal, [columns, columns]. */
  readonly damped: Float32Array
  /** U, upper triangular, with damped⁻¹ = Uᵀ·U. */
  readonly factor: Float32Array
  /** 1 for each input that was zero for every token. */
  readonly dead: Uint8Array
}

/** How often damping is raised tenfold where rounding still left the matrix indefinite. */
const ATTEMPTS = 6

/**
 * The damped Gram matrix and the factor of its inverse.
 *
 * @param damping added to the diagonal, as a share of its mean
 * @throws TypeError if there is no Gram matrix
 * @throws RangeError if it does not fit, or is not positive definite even with much more damping
 */
export function hessianOf(statistics: LayerStatistics, columns: number, damping: number, name: string): Hessian {
  const gram = expectGram(statistics, columns, name)
  const matrix = Float64Array.from(gram)
  const dead = new Uint8Array(columns)
  let sum = 0
  for (let i = 0; i < columns; i++) sum += matrix[i * columns + i]
  const mean = sum > 0 ? sum / columns : 1
  for (let i = 0; i < columns; i++) {
    if (matrix[i * columns + i] > 0) continue
    dead[i] = 1
    matrix[i * columns + i] = mean
  }
  let added = 0
  for (let attempt = 0, share = damping; attempt < ATTEMPTS; attempt++, share = Math.max(10 * share, 1e-6)) {
    for (let i = 0; i < columns; i++) matrix[i * columns + i] += share * mean - added
    added = share * mean
    const factor = inverseFactor(matrix, columns)
    if (factor) return { columns, damped: Float32Array.from(matrix), factor: Float32Array.from(factor), dead }
  }
  throw rangeError('NNZ_VALUE', `${name}: the Gram matrix is not positive semidefinite`)
}

export function expectGram(statistics: LayerStatistics, columns: number, name: string): Float32Array {
  const gram = statistics?.gram
  if (!(gram instanceof Float32Array))
    throw typeError(
      'NNZ_TYPE',
      `${name}: expected statistics with a Gram matrix in a Float32Array, got ${describe(gram)}`,
    )
  if (gram.length !== columns * columns)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected a Gram matrix [${columns}, ${columns}], got ${gram.length} elements`,
    )
  for (let i = 0; i < gram.length; i++)
    if (!Number.isFinite(gram[i]))
      throw rangeError(
        'NNZ_VALUE',
        `${name}: element ${i} of the Gram matrix: expected a finite number, got ${gram[i]}`,
      )
  return gram
}
