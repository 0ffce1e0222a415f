import type { Tensor } from '@nnz/core'
import type { SparseWeights } from '@nnz/spmm'
import { forEachEntry } from '../entries.ts'

/**
 * c of the error bound: a product may be off by c · 2^-24 · Σ|a||b|, or by twice the error of the plain f32 loop where that
 * is more.
 */
export const SDDMM_ERROR_FACTOR = 8

/**
 * The definition of `sddmm`: (a·b)[i, j] at every stored entry (i, j) of the pattern, summed in f64, in the canonical order
 * of its values. Elements of edge blocks beyond the shape are 0. Slow on purpose.
 */
export function sddmmReference(a: Tensor, b: Tensor, pattern: SparseWeights, scale?: ArrayLike<number>): Float64Array {
  const result = new Float64Array(pattern.values.length)
  const n = a.shape[1]
  const [x, y] = [a.data, b.data]
  forEachEntry(pattern, (row, column, at) => {
    let sum = 0
    for (let i = 0; i < n; i++)
      sum += x[row * a.strides[0] + i * a.strides[1]] * y[i * b.strides[0] + column * b.strides[1]]
    result[at] = scale ? sum * scale[at] : sum
  })
  return result
}
