import { finishReference, type ReferenceOptions, type Tensor } from '@nnz/core'
import { regularRows } from './kernels/regular-rows.ts'
import { type NmOperation, type NmWeights, productShape } from './problem.ts'

/**
 * c of the error bound: a kernel's sum may be off by c · 2^-24 · (Σ|w||x| + |bias| + |residual|), or by twice the error of
 * the plain f32 loop where that is more. As for `spmm`: sums are as long, and as many orders of adding are in use.
 */
export const ERROR_FACTOR = 8

/**
 * The definition of the products: y = activation(w·x + bias + residual), with the transposed w for `nmGemmTransposed`,
 * summed in f64 over the stored entries only; for `swiglu`, y = silu(top half of (w·x + bias)) · bottom half + residual.
 * Slow on purpose.
 *
 * @param x [K, N], any strides (for `nmLinear` the transposed view of its tokens; for `nmGemmTransposed` dy [M, N])
 * @returns y, row-major f64
 */
export function reference(
  operation: NmOperation,
  w: NmWeights,
  x: Tensor,
  options: ReferenceOptions = {},
): Float64Array {
  const [m] = productShape(operation, w)
  const n = x.shape[1]
  const { data, strides } = x
  const { entries, columns, values } = regularRows(w)
  const sums = new Float64Array(m * n)
  for (let i = 0; i < values.length; i++) {
    const row = Math.floor(i / entries)
    const [to, from] = operation === 'nmGemmTransposed' ? [columns[i], row] : [row, columns[i]]
    for (let j = 0; j < n; j++) sums[to * n + j] += values[i] * data[from * strides[0] + j * strides[1]]
  }
  return finishReference(sums, m, n, options)
}
