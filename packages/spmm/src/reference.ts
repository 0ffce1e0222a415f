import { bsr, finishReference, type ReferenceOptions, type Tensor } from '@nnz/core'
import type { SparseWeights } from './problem.ts'

/**
 * c of the error bound: a kernel's sum may be off by c · 2^-24 · (Σ|w||x| + |bias| + |residual|), or by twice the error of
 * the plain f32 loop where that is more. With 4, one of 10^6 sums of 59 addends is outside.
 */
export const ERROR_FACTOR = 8

/**
 * The definition of `spmm`: y = activation(w·x + bias + residual), summed in f64 over the stored entries only. For
 * `swiglu`, y = silu(top half of (w·x + bias)) · bottom half + residual. Slow on purpose.
 *
 * @param w [M, K]
 * @param x [K, N], any strides
 * @returns y, row-major f64, [M, N] (or [M / 2, N] for `swiglu`)
 */
export function reference(w: SparseWeights, x: Tensor, options: ReferenceOptions = {}): Float64Array {
  const [m, k] = w.shape
  const n = x.shape[1]
  const data = x.data
  const sums = new Float64Array(m * n)
  const add = (row: number, column: number, value: number) => {
    if (row >= m || column >= k) return
    for (let j = 0; j < n; j++) sums[row * n + j] += value * data[column * x.strides[0] + j * x.strides[1]]
  }
  const [r, c] = w.layout === 'bsr' ? w.blockShape : [1, 1]
  for (let group = 0; group < w.rowOffsets.length - 1; group++) {
    for (let entry = w.rowOffsets[group]; entry < w.rowOffsets[group + 1]; entry++) {
      for (let i = 0; i < r * c; i++) {
        add(group * r + Math.floor(i / c), w.columnIndices[entry] * c + (i % c), w.values[entry * r * c + i])
      }
    }
  }
  return finishReference(sums, m, n, options)
}

/** w·x with every sum of |w|·|x| instead: the scale of the rounding error of each output element. */
export function magnitudes(w: SparseWeights, x: Tensor): Float64Array {
  const absolute = { ...x, shape: x.shape, strides: x.strides, data: x.data.map(Math.abs) }
  const values = w.values.map(Math.abs)
  return reference(w.layout === 'csr' ? { ...w, values } : bsr({ ...w, values }), absolute)
}
