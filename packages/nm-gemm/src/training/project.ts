import { describe, expectOptions, type NmPattern, rangeError, type Tensor, tensor } from '@nnz/core'
import { type DenseMatrix, expectFinite, expectPattern, rowMajor } from './matrix.ts'

/** Options of {@link project}. */
export interface ProjectOptions extends NmPattern {
  /** `hard` keeps the n largest magnitudes of a group as they are, `soft` moves all of them towards zero. Default: `hard`. */
  kind?: 'hard' | 'soft' | undefined
  /** Factor of the result; for `soft` training the one that {@link softScale} gave at its start. Default: 1. */
  scale?: number | undefined
}

/**
 * The nearest matrix that is N:M along its rows (`hard`), or the continuous projection of S-STE (`soft`: arXiv
 * 2409.09099): from every magnitude of a group the (n + 1)-th largest is subtracted, what falls below zero becomes zero,
 * and the result is multiplied by a scale that is fixed for the tensor. Of equal magnitudes the lower column is kept.
 *
 * @param w [rows, columns], any strides
 * @returns a new row-major tensor of the same shape, N:M always
 * @throws TypeError if w is not a matrix
 * @throws RangeError if n, m, kind or scale is out of range or an element is not finite
 */
export function project(w: Tensor, options: ProjectOptions): Tensor {
  expectOptions(options, 'project')
  const { kind = 'hard', scale = 1 } = options
  if (kind !== 'hard' && kind !== 'soft')
    throw rangeError('NNZ_VALUE', `project: expected kind to be "hard" or "soft", got ${describe(kind)}`)
  if (!Number.isFinite(scale))
    throw rangeError('NNZ_VALUE', `project: expected scale to be a finite number, got ${describe(scale)}`)
  const matrix = expectWeights(w, options, 'project')
  const result = kind === 'hard' ? masked(matrix, maskOf(matrix, options)) : softened(matrix, options)
  if (scale !== 1) for (let i = 0; i < result.length; i++) result[i] *= scale
  return tensor(result, [matrix.rows, matrix.columns])
}

/**
 * The scale of S-STE's soft projection s: the b that makes |w - b·s(w)|² least. It is computed once, before training,
 * and then kept: a scale that followed the weights would make the projection jump.
 *
 * @returns the factor, at least 1; 1 where the projection is all zero
 * @throws what {@link project} throws
 */
export function softScale(w: Tensor, pattern: NmPattern): number {
  const matrix = expectWeights(w, pattern, 'softScale')
  const soft = softened(matrix, pattern)
  let product = 0
  let square = 0
  for (let i = 0; i < soft.length; i++) {
    product += matrix.data[i] * soft[i]
    square += soft[i] * soft[i]
  }
  return square > 0 ? product / square : 1
}

/**
 * Which elements the hard projection keeps: 1 for the n largest magnitudes of every group of m along a row (of equal
 * ones the lower column), else 0, row-major. Zeros count as magnitudes: every whole group has exactly n ones.
 *
 * @throws what {@link project} throws
 */
export function magnitudeMask(w: Tensor, pattern: NmPattern): Uint8Array<ArrayBuffer> {
  return maskOf(expectWeights(w, pattern, 'magnitudeMask'), pattern)
}

function expectWeights(w: Tensor, pattern: NmPattern, name: string): DenseMatrix {
  expectOptions(pattern, name)
  expectPattern(pattern, name)
  const matrix = rowMajor(w, `${name}: w`)
  expectFinite(matrix, `${name}: w`)
  return matrix
}

function masked({ data }: DenseMatrix, mask: Uint8Array): Float32Array {
  const result = new Float32Array(data.length)
  for (let i = 0; i < data.length; i++) if (mask[i] !== 0) result[i] = data[i]
  return result
}

function maskOf({ rows, columns, data }: DenseMatrix, { n, m }: NmPattern): Uint8Array<ArrayBuffer> {
  const mask = new Uint8Array(data.length)
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * columns
    for (let start = row * columns; start < end; start += m) {
      const stop = Math.min(start + m, end)
      for (let i = start; i < stop; i++) {
        const magnitude = Math.abs(data[i])
        let larger = 0
        for (let j = start; j < stop; j++) {
          const other = Math.abs(data[j])
          if (other > magnitude || (other === magnitude && j < i)) larger++
        }
        if (larger < n) mask[i] = 1
      }
    }
  }
  return mask
}

function softened({ rows, columns, data }: DenseMatrix, { n, m }: NmPattern): Float32Array {
  const result = new Float32Array(data.length)
  const group = new Float32Array(m)
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * columns
    for (let start = row * columns; start < end; start += m) {
      const stop = Math.min(start + m, end)
      group.fill(0)
      for (let i = start; i < stop; i++) group[i - start] = Math.abs(data[i])
      const threshold = n < m ? group.sort()[m - n - 1] : 0
      for (let i = start; i < stop; i++) {
        const rest = Math.abs(data[i]) - threshold
        if (rest > 0) result[i] = data[i] < 0 ? -rest : rest
      }
    }
  }
  return result
}
